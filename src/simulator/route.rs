//! Which of the simulated services a request is for.

use http::{Method, Request};

use super::{faults::Endpoint, kv};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Gateways {
        account: String,
    },
    List {
        account: String,
        gateway: String,
    },
    Kv {
        account: String,
        namespace: String,
        call: kv::Call,
    },
    Token,
    Insert {
        project: String,
        dataset: String,
        table: String,
    },
    /// Not part of the world: whoever runs the simulator looks at it.
    Operator,
}

impl Route {
    pub fn of(request: &Request<Vec<u8>>) -> Option<Self> {
        let path = request.uri().path().trim_start_matches('/');
        let decode = |segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments: Vec<String> = path.split('/').map(decode).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |text: &str| text.to_owned();
        match (request.method(), &segments[..]) {
            (&Method::GET, ["client", "v4", "accounts", account, "ai-gateway", "gateways"]) => {
                Some(Self::Gateways { account: own(account) })
            }
            (&Method::GET, ["client", "v4", "accounts", account, "ai-gateway", "gateways", gateway, "logs"]) => {
                Some(Self::List { account: own(account), gateway: own(gateway) })
            }
            (method, ["client", "v4", "accounts", account, "storage", "kv", "namespaces", namespace, call @ ..]) => {
                let call = kv::Call::of(method, call)?;
                Some(Self::Kv { account: own(account), namespace: own(namespace), call })
            }
            (&Method::POST, ["token"]) => Some(Self::Token),
            (
                &Method::POST,
                ["bigquery", "v2", "projects", project, "datasets", dataset, "tables", table, "insertAll"],
            ) => Some(Self::Insert { project: own(project), dataset: own(dataset), table: own(table) }),
            (_, ["simulator", _]) => Some(Self::Operator),
            _ => None,
        }
    }

    /// The endpoint whose calls are counted and may fail.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Gateways { .. } => Some(Endpoint::Gateways),
            Self::List { .. } => Some(Endpoint::List),
            Self::Token => Some(Endpoint::Token),
            Self::Insert { .. } => Some(Endpoint::Insert),
            Self::Kv { .. } | Self::Operator => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: Method, path: &str) -> Option<Route> {
        Route::of(&Request::builder().method(method).uri(path).body(Vec::new()).unwrap())
    }

    #[test]
    fn paths_name_what_is_asked() {
        let list = route(Method::GET, "/client/v4/accounts/a/ai-gateway/gateways/my%20one/logs?page=1");
        assert_eq!(list, Some(Route::List { account: "a".into(), gateway: "my one".into() }));
        let insert = route(Method::POST, "http://h/bigquery/v2/projects/p/datasets/d/tables/t/insertAll");
        let expected = Route::Insert { project: "p".into(), dataset: "d".into(), table: "t".into() };
        assert_eq!(insert, Some(expected));
        assert_eq!(route(Method::POST, "/token"), Some(Route::Token));
        assert_eq!(route(Method::GET, "/token"), None);
        assert_eq!(route(Method::GET, "/simulator/calls"), Some(Route::Operator));
        assert_eq!(route(Method::GET, "/"), None);
    }
}
