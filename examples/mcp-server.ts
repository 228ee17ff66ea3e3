// A server with sign-in and tools, whose events went to a stream of Pipelines. Only the import is new, and the binding,
// which is now the service `aig-events`.
import {
  EventBatcher,
  EventType,
  streamAuthFailure,
  streamAuthSuccess,
  streamEvent,
  streamOAuthComplete,
  streamOAuthStart,
  streamTokenIssued,
  streamToolFailure,
  streamToolInvoked,
  streamToolSuccess,
} from "aig-events";

interface Env {
  UU_STREAM: Fetcher;
}

const clientId = "claude-desktop";
const scope = "tools";

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const user = { login: "jane.smith", email: "jane.smith@company.com", name: "Jane Smith" };
    switch (new URL(request.url).pathname) {
      case "/sign-in":
        return signIn(env, user, request);
      case "/sign-in-fails":
        await streamAuthFailure(env.UU_STREAM, "github", "the code is expired", request);
        return new Response("who are you?", { status: 401 });
      case "/tool":
        return new Response(await callTool(env, user, new URL(request.url).searchParams.get("prompt") ?? ""));
      case "/custom":
        return custom(env);
      case "/batch":
        return batch(env);
      default:
        return new Response("not found", { status: 404 });
    }
  },
};

type User = { login: string; email: string; name: string };

async function signIn(env: Env, user: User, request: Request): Promise<Response> {
  // 1. OAuth start
  await streamOAuthStart(env.UU_STREAM, clientId, scope);
  // 3. Stream auth success
  await streamAuthSuccess(env.UU_STREAM, user, "github", request);
  // 5. Stream OAuth complete
  await streamOAuthComplete(env.UU_STREAM, user, clientId);
  // 6. Issue token
  await streamTokenIssued(env.UU_STREAM, user, clientId, scope);
  return new Response("signed in");
}

async function callTool(env: Env, user: User, prompt: string): Promise<string> {
  const startTime = Date.now();

  // Stream tool invoked
  await streamToolInvoked(env.UU_STREAM, user, "generateImage");

  try {
    const result = await generateImage(prompt);
    const duration = Date.now() - startTime;

    // Stream success
    await streamToolSuccess(env.UU_STREAM, user, "generateImage", duration);

    return result;
  } catch (error) {
    // Stream failure
    await streamToolFailure(env.UU_STREAM, user, "generateImage", (error as Error).message);
    return "no image";
  }
}

async function generateImage(prompt: string): Promise<string> {
  if (!prompt) throw new Error("there is no prompt");
  return `an image of ${prompt}`;
}

async function custom(env: Env): Promise<Response> {
  await streamEvent(env.UU_STREAM, {
    user_id: {
      login: "user",
      email: "user@example.com",
    },
    event_name: EventType.TOOL_INVOKED,
    metadata: {
      tool_name: "myTool",
      custom_data: "value",
    },
  });
  await streamEvent(
    env.UU_STREAM,
    { user_id: { login: "user" }, event_name: EventType.TOOL_INVOKED },
    { enabled: false },
  );
  return new Response("sent");
}

function batch(env: Env): Response {
  const batcher = new EventBatcher(env.UU_STREAM, {
    enabled: true,
    batchSize: 10,
    flushInterval: 300,
  });

  // Add events to batch
  for (let n = 0; n < 13; n += 1) {
    batcher.add({
      user_id: { login: "batch" },
      event_name: EventType.TOOL_INVOKED,
      metadata: { tool_name: `tool ${n % 3}` },
    });
  }
  // No flush: the last three are sent after the interval, when the answer is long gone.
  return new Response("added");
}
