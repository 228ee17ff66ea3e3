// What the runtime itself takes: a tick that does nothing, and of each thing that a pass does ten, for its schedule.
const TEN = 10;

const jobs = {
  async "sign in"(env) {
    const text = env.GCP_SA_PRIVATE_KEY_PEM.replaceAll("\\n", "").replaceAll(/-----[^-]+-----|\s/g, "");
    const key = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const rs256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const signer = await crypto.subtle.importKey("pkcs8", key, rs256, false, ["sign"]);
    const signature = await crypto.subtle.sign(rs256, signer, new TextEncoder().encode("x".repeat(400)));
    await (await fetch(env.GCP_TOKEN_URI, { method: "POST", body: signature })).text();
  },
  async read(env) {
    await env.STATE_KV.get(["forward", "status"]);
  },
  async write(env) {
    await env.STATE_KV.put("forward", "x".repeat(1_000));
  },
  async list(env) {
    const logs = `${env.CLOUDFLARE_BASE_URL}/accounts/${env.CF_ACCOUNT_ID}/ai-gateway/gateways/${env.AIG_GATEWAY_ID}/logs`;
    const headers = { authorization: `Bearer ${env.CF_API_TOKEN}` };
    const page = await (await fetch(`${logs}?per_page=50&order_by=created_at`, { headers })).json();
    if (page.result.length !== 50) throw new Error(`a page of ${page.result.length}`);
  },
};

export default {
  async scheduled(event, env) {
    const job = jobs[event.cron];
    for (let n = 0; job && n < TEN; n++) await job(env);
  },
};
