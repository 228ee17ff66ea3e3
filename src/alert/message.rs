//! Messages as the chats want them. The address tells which chat it is.

use serde_json::{Value, json};

use super::News;
use crate::{foreign, secret::Secret, time, wire};

/// The most news of one message in words. Further ones are counted.
const MOST: usize = 20;

/// The most letters that Discord takes.
/// discord.com/developers/docs/resources/webhook
const DISCORD: usize = 2_000;

/// The request that tells news, and perhaps the digest of a week.
#[must_use]
pub fn message(webhook: &Secret, news: &[News], digest: Option<&str>) -> wire::Request {
    let text = foreign::lines(&words(news, digest));
    let host = webhook.reveal().split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default();
    let is = |name: &str| host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    let quoted = |text: &str| Value::from(text).to_string();
    let body = if is("slack.com") {
        // Slack reads these three as signs of its own.
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("{{\"text\":{}}}", quoted(&text))
    } else if is("discord.com") || is("discordapp.com") {
        let end = text.char_indices().nth(DISCORD).map_or(text.len(), |(end, _)| end);
        format!("{{\"content\":{},\"allowed_mentions\":{{\"parse\":[]}}}}", quoted(&text[..end]))
    } else if is("webhook.office.com") || is("logic.azure.com") || is("powerplatform.com") {
        let block = format!("{{\"type\":\"TextBlock\",\"wrap\":true,\"text\":{}}}", quoted(&text));
        let card = format!("{{\"type\":\"AdaptiveCard\",\"version\":\"1.4\",\"body\":[{block}]}}");
        let kind = "application/vnd.microsoft.card.adaptive";
        format!("{{\"type\":\"message\",\"attachments\":[{{\"contentType\":\"{kind}\",\"content\":{card}}}]}}")
    } else {
        let alerts: Vec<_> = news.iter().map(to_json).collect();
        json!({ "source": "aig-logs", "text": text, "alerts": alerts, "digest": digest.map(foreign::lines) })
            .to_string()
    };
    wire::post(webhook.reveal(), body.into_bytes())
}

fn words(news: &[News], digest: Option<&str>) -> String {
    let mut lines: Vec<_> = news.iter().take(MOST).map(line).collect();
    if news.len() > MOST {
        lines.push(format!("And {} more: `aig-logs alerts list` has all of them.", news.len() - MOST));
    }
    lines.extend(digest.map(str::to_owned));
    lines.join("\n")
}

fn line(news: &News) -> String {
    let text = foreign::line(&news.text);
    if news.is_on { format!("AI Gateway logs: {text}") } else { format!("AI Gateway logs, over: {text}") }
}

fn to_json(news: &News) -> Value {
    json!({
        "id": foreign::line(&news.id),
        "state": if news.is_on { "on" } else { "over" },
        "level": news.level,
        "since": time::text(news.since),
        "text": foreign::line(&news.text),
    })
}
