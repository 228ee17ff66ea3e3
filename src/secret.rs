//! Secret text.

use std::fmt;

use crate::{foreign, wire::Request};

/// Text that is never printed. It is masked in every foreign text that holds a part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        foreign::hide(&text);
        Self(text)
    }

    /// The text itself, only to be sent.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Puts the secret on a request as its bearer token, marked so that no `Debug` output shows it.
    pub fn authorize(&self, request: &mut Request) {
        if let Ok(mut value) = http::HeaderValue::try_from(format!("Bearer {}", self.0)) {
            value.set_sensitive(true);
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
