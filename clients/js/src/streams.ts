// The events of a server with sign-in and tools.
import { streamEvent } from "./ingest.ts";
import type { Options, Target } from "./types.ts";

export const EventType = {
  AUTH_LOGIN_SUCCESS: "auth_login_success",
  AUTH_LOGIN_FAILURE: "auth_login_failure",
  AUTH_LOGOUT: "auth_logout",
  AUTH_SSH_SUCCESS: "auth_ssh_success",
  AUTH_SSH_FAILURE: "auth_ssh_failure",
  AUTH_GITHUB_SUCCESS: "auth_github_success",
  AUTH_GITHUB_FAILURE: "auth_github_failure",
  TOOL_INVOKED: "tool_invoked",
  TOOL_SUCCESS: "tool_success",
  TOOL_FAILURE: "tool_failure",
  OAUTH_AUTHORIZE_START: "oauth_authorize_start",
  OAUTH_AUTHORIZE_COMPLETE: "oauth_authorize_complete",
  OAUTH_TOKEN_ISSUED: "oauth_token_issued",
} as const;
export type EventType = (typeof EventType)[keyof typeof EventType];

export interface User {
  login?: string;
  email?: string;
  name?: string;
}

export type AuthMethod = "github" | "ssh" | "login";

type To = Target | undefined;
type Sent = Promise<void>;

export const streamAuthSuccess = (to: To, user: User, method: AuthMethod, request?: Request, options?: Options): Sent =>
  stream(to, `auth_${method}_success`, { ...who(user), auth_method: method }, caller(request), options);

export const streamAuthFailure = (
  to: To,
  method: AuthMethod,
  error: string,
  request?: Request,
  options?: Options,
): Sent =>
  stream(to, `auth_${method}_failure`, { auth_method: method }, { ...caller(request), error_message: error }, options);

export const streamAuthLogout = (to: To, user: User, options?: Options): Sent =>
  stream(to, EventType.AUTH_LOGOUT, who(user), {}, options);

export const streamOAuthStart = (to: To, clientId: string, scope?: string, options?: Options): Sent =>
  stream(to, EventType.OAUTH_AUTHORIZE_START, { client_id: clientId }, { scope }, options);

export const streamOAuthComplete = (to: To, user: User, clientId: string, options?: Options): Sent =>
  stream(to, EventType.OAUTH_AUTHORIZE_COMPLETE, { ...who(user), client_id: clientId }, {}, options);

export const streamTokenIssued = (to: To, user: User, clientId: string, scope?: string, options?: Options): Sent =>
  stream(to, EventType.OAUTH_TOKEN_ISSUED, { ...who(user), client_id: clientId }, { scope }, options);

export const streamToolInvoked = (to: To, user: User, tool: string, options?: Options): Sent =>
  stream(to, EventType.TOOL_INVOKED, who(user), { tool_name: tool }, options);

export const streamToolSuccess = (to: To, user: User, tool: string, milliseconds: number, options?: Options): Sent =>
  stream(to, EventType.TOOL_SUCCESS, who(user), { tool_name: tool, execution_time_ms: milliseconds }, options);

export const streamToolFailure = (to: To, user: User, tool: string, error: string, options?: Options): Sent =>
  stream(to, EventType.TOOL_FAILURE, who(user), { tool_name: tool, error_message: error }, options);

function stream(to: To, event_name: string, user_id: object, metadata: object, options?: Options): Sent {
  return streamEvent(to, { user_id, event_name, metadata }, options);
}

function who({ login, email }: User): object {
  return { login, email };
}

function caller(request: Request | undefined): object {
  const header = (name: string) => request?.headers.get(name) ?? undefined;
  return { ip_address: header("cf-connecting-ip"), user_agent: header("user-agent") };
}
