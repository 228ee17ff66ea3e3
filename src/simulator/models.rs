//! Who is called, at what price, and how it behaves: a table for the traffic generator.
//! Prices and speeds are plausible for 2026, not quoted.

/// A provider's model as traffic sees it.
#[derive(Debug)]
pub(super) struct Model {
    pub provider: &'static str,
    pub name: &'static str,
    /// As the gateway's `model_type`.
    pub kind: &'static str,
    pub path: &'static str,
    /// Share of all calls, relative to the others.
    pub weight: f64,
    /// USD per million tokens in and out; the gateway knows no price when absent.
    pub price: Option<(f64, f64)>,
    /// Median tokens in and out of a call.
    pub tokens: (f64, f64),
    /// Median milliseconds until the first byte.
    pub first_byte: f64,
    /// Milliseconds per token out.
    pub per_token: f64,
}

const CHAT: &str = "chat/completions";
const TEXT: &str = "text-generation";

#[rustfmt::skip]
pub(super) const MODELS: &[Model] = &[
    Model { provider: "openai", name: "gpt-4.1-mini", kind: TEXT, path: CHAT, weight: 24.0,
            price: Some((0.40, 1.60)), tokens: (620.0, 160.0), first_byte: 420.0, per_token: 9.0 },
    Model { provider: "openai", name: "gpt-4.1", kind: TEXT, path: CHAT, weight: 8.0,
            price: Some((2.0, 8.0)), tokens: (1_400.0, 320.0), first_byte: 640.0, per_token: 14.0 },
    Model { provider: "openai", name: "gpt-5-mini", kind: TEXT, path: "responses", weight: 10.0,
            price: Some((0.25, 2.0)), tokens: (900.0, 480.0), first_byte: 1_500.0, per_token: 8.0 },
    Model { provider: "openai", name: "text-embedding-3-small", kind: "text-embeddings", path: "embeddings", weight: 16.0,
            price: Some((0.02, 0.0)), tokens: (240.0, 0.0), first_byte: 130.0, per_token: 0.0 },
    Model { provider: "anthropic", name: "claude-sonnet-4-5", kind: TEXT, path: "v1/messages", weight: 12.0,
            price: Some((3.0, 15.0)), tokens: (2_600.0, 520.0), first_byte: 1_100.0, per_token: 15.0 },
    Model { provider: "anthropic", name: "claude-haiku-4-5", kind: TEXT, path: "v1/messages", weight: 8.0,
            price: Some((1.0, 5.0)), tokens: (1_100.0, 240.0), first_byte: 520.0, per_token: 7.0 },
    Model { provider: "google-ai-studio", name: "gemini-2.5-flash", kind: TEXT,
            path: "v1beta/models/gemini-2.5-flash:generateContent", weight: 9.0,
            price: Some((0.30, 2.50)), tokens: (1_300.0, 300.0), first_byte: 460.0, per_token: 5.0 },
    Model { provider: "workers-ai", name: "@cf/meta/llama-3.3-70b-instruct-fp8-fast", kind: TEXT,
            path: "@cf/meta/llama-3.3-70b-instruct-fp8-fast", weight: 6.0,
            price: Some((0.293, 2.253)), tokens: (540.0, 210.0), first_byte: 300.0, per_token: 11.0 },
    Model { provider: "groq", name: "openai/gpt-oss-120b", kind: TEXT, path: CHAT, weight: 3.0,
            price: Some((0.15, 0.75)), tokens: (800.0, 260.0), first_byte: 180.0, per_token: 2.2 },
    Model { provider: "deepseek", name: "deepseek-chat", kind: TEXT, path: CHAT, weight: 2.0,
            price: Some((0.28, 0.42)), tokens: (1_000.0, 380.0), first_byte: 900.0, per_token: 22.0 },
    Model { provider: "custom-inference", name: "qwen3-32b-instruct-awq", kind: TEXT, path: CHAT, weight: 2.0,
            price: None, tokens: (700.0, 200.0), first_byte: 240.0, per_token: 18.0 },
];
