//! The names of events: those of seed 000, what a name says of success, and which names are taken.

/// The kind of an event with a known name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sign-in or a sign-out.
    Auth,
    /// The call of a tool.
    Tool,
    /// A step of OAuth.
    Oauth,
}

/// A known name of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Whether the event tells of success; none: it tells of neither success nor failure.
    pub success: Option<bool>,
}

const fn known(name: &'static str, kind: Kind, success: Option<bool>) -> Known {
    Known { name, kind, success }
}

/// The event names of seed 000.
pub const KNOWN: [Known; 13] = [
    known("auth_login_success", Kind::Auth, Some(true)),
    known("auth_login_failure", Kind::Auth, Some(false)),
    known("auth_logout", Kind::Auth, None),
    known("auth_ssh_success", Kind::Auth, Some(true)),
    known("auth_ssh_failure", Kind::Auth, Some(false)),
    known("auth_github_success", Kind::Auth, Some(true)),
    known("auth_github_failure", Kind::Auth, Some(false)),
    known("tool_invoked", Kind::Tool, None),
    known("tool_success", Kind::Tool, Some(true)),
    known("tool_failure", Kind::Tool, Some(false)),
    known("oauth_authorize_start", Kind::Oauth, None),
    known("oauth_authorize_complete", Kind::Oauth, None),
    known("oauth_token_issued", Kind::Oauth, None),
];

/// The ends of names that tell of success or failure.
const SUFFIXES: [(&str, bool); 5] =
    [("_success", true), (".success", true), ("_failure", false), (".failed", false), (".failure", false)];

/// Whether a name tells of success, by its end.
#[must_use]
pub fn success(name: &str) -> Option<bool> {
    SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix)).map(|(_, success)| *success)
}

/// Whether a name is one of these patterns, in which `*` stands for any text. No patterns: every name is.
#[must_use]
pub fn is_taken(name: &str, patterns: &[String]) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    // The first place where a part stands leaves the most for the others.
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::{is_taken, success};

    #[test]
    fn a_star_stands_for_any_text() {
        let check = |pattern: &str, taken: &[&str], others: &[&str]| {
            let patterns = [pattern.to_owned()];
            for name in taken {
                assert!(is_taken(name, &patterns), "{pattern} {name}");
            }
            for name in others {
                assert!(!is_taken(name, &patterns), "{pattern} {name}");
            }
        };
        check("a", &["a"], &["", "aa", "b", "A"]);
        check("*", &["", "a", "*"], &[]);
        check("a*", &["a", "ab"], &["", "ba"]);
        check("*a", &["a", "ba", "aa"], &["", "ab"]);
        check("a*a", &["aa", "aba", "aaa"], &["a", "ab"]);
        check("*a*", &["a", "bab"], &["", "b"]);
        check("a*b*c", &["abc", "axbxc", "abcbc", "abbc"], &["ac", "acb", "abcx", "ab"]);
        check("a**b", &["ab", "axb"], &["a"]);
        check("*ab*ab", &["abab", "ababab"], &["ab", "aba"]);
        check("a.*", &["a.", "a.b"], &["ab"]);
        assert!(is_taken("anything", &[]));
        assert!(is_taken("b", &["a".into(), "b".into()]));
    }

    #[test]
    fn the_known_names_say_of_success_what_their_ends_say() {
        for known in super::KNOWN {
            assert_eq!(success(known.name), known.success, "{}", known.name);
        }
    }
}
