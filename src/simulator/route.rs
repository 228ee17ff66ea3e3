//! The simulated service that a request is for.

use http::{Method, Request};

use crate::simulator::{
    cloudflare::{
        access::{Owner, Permission},
        d1::databases::DatabasesCall,
        kv::ValueCall,
        namespaces::NamespaceCall,
        queues::QueuesCall,
    },
    faults::Endpoint,
    google::bigquery::TableCall,
};

#[derive(Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Route {
    /// Whether a token works: the token of this account, or of a user.
    Verify(Option<String>),
    Accounts,
    Account {
        account: String,
    },
    Gateways {
        account: String,
    },
    Gateway {
        account: String,
        gateway: String,
    },
    List {
        account: String,
        gateway: String,
    },
    Kv {
        account: String,
        namespace: String,
        call: ValueCall,
    },
    Namespaces {
        account: String,
        call: NamespaceCall,
    },
    Databases {
        account: String,
        call: DatabasesCall,
    },
    Queues {
        account: String,
        call: QueuesCall,
    },
    Database {
        account: String,
        database: String,
    },
    Token,
    Table {
        project: String,
        dataset: String,
        table: String,
        call: TableCall,
    },
    /// Not part of the world: it is for the operator of the simulator.
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
            (method, ["client", "v4", path @ ..]) => Self::of_cloudflare(method, path),
            (&Method::POST, ["token"]) => Some(Self::Token),
            (method, ["bigquery", "v2", "projects", project, "datasets", dataset, "tables", path @ ..]) => {
                let (table, call) = TableCall::of(method, path)?;
                Some(Self::Table { project: own(project), dataset: own(dataset), table: own(table), call })
            }
            (_, ["simulator", _]) => Some(Self::Operator),
            _ => None,
        }
    }

    /// A call to Cloudflare's API, by the path below its base.
    fn of_cloudflare(method: &Method, path: &[&str]) -> Option<Self> {
        let own = |text: &str| text.to_owned();
        match (method, path) {
            (&Method::GET, ["user", "tokens", "verify"]) => Some(Self::Verify(None)),
            (&Method::GET, ["accounts"]) => Some(Self::Accounts),
            (&Method::GET, ["accounts", account]) => Some(Self::Account { account: own(account) }),
            (&Method::GET, ["accounts", account, "tokens", "verify"]) => Some(Self::Verify(Some(own(account)))),
            (&Method::GET, ["accounts", account, "ai-gateway", "gateways"]) => {
                Some(Self::Gateways { account: own(account) })
            }
            (&Method::GET, ["accounts", account, "ai-gateway", "gateways", gateway]) => {
                Some(Self::Gateway { account: own(account), gateway: own(gateway) })
            }
            (&Method::GET, ["accounts", account, "ai-gateway", "gateways", gateway, "logs"]) => {
                Some(Self::List { account: own(account), gateway: own(gateway) })
            }
            (method, ["accounts", account, "queues"]) => {
                Some(Self::Queues { account: own(account), call: QueuesCall::of(method)? })
            }
            (method, ["accounts", account, "d1", "database"]) => {
                Some(Self::Databases { account: own(account), call: DatabasesCall::of(method)? })
            }
            (&Method::POST, ["accounts", account, "d1", "database", database, "query"]) => {
                Some(Self::Database { account: own(account), database: own(database) })
            }
            (method, ["accounts", account, "storage", "kv", "namespaces", path @ ..]) => {
                if let Some(call) = NamespaceCall::of(method, path) {
                    return Some(Self::Namespaces { account: own(account), call });
                }
                let [namespace, path @ ..] = path else { return None };
                let call = ValueCall::of(method, path)?;
                Some(Self::Kv { account: own(account), namespace: own(namespace), call })
            }
            _ => None,
        }
    }

    /// The permissions for the call. A token must have any one of them.
    pub fn permissions(&self) -> &'static [Permission] {
        match self {
            Self::Account { .. } => &[Permission::Account],
            Self::Gateways { .. } | Self::Gateway { .. } | Self::List { .. } => &[Permission::Gateway],
            Self::Kv { call: ValueCall::BulkGet | ValueCall::Keys, .. }
            | Self::Namespaces { call: NamespaceCall::List, .. } => &[Permission::KvRead, Permission::KvWrite],
            Self::Kv { call: ValueCall::Put(_) | ValueCall::Delete(_), .. }
            | Self::Namespaces { call: NamespaceCall::Create | NamespaceCall::Delete(_), .. } => &[Permission::KvWrite],
            Self::Database { .. } | Self::Databases { call: DatabasesCall::List, .. } => {
                &[Permission::D1Read, Permission::D1Write]
            }
            Self::Databases { call: DatabasesCall::Create, .. } => &[Permission::D1Write],
            Self::Queues { .. } => &[Permission::QueuesWrite],
            Self::Verify(_) | Self::Accounts | Self::Token | Self::Table { .. } | Self::Operator => &[],
        }
    }

    /// The kind of owner whose tokens are verified here.
    pub fn owner(&self) -> Option<Owner> {
        let Self::Verify(account) = self else { return None };
        Some(if account.is_some() { Owner::Account } else { Owner::User })
    }

    /// The account in the path, if any.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Verify(account) => account.as_deref(),
            Self::Account { account }
            | Self::Gateways { account }
            | Self::Gateway { account, .. }
            | Self::List { account, .. }
            | Self::Kv { account, .. }
            | Self::Namespaces { account, .. }
            | Self::Databases { account, .. }
            | Self::Queues { account, .. }
            | Self::Database { account, .. } => Some(account),
            Self::Accounts | Self::Token | Self::Table { .. } | Self::Operator => None,
        }
    }

    /// The endpoint whose calls are counted and may fail.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Gateways { .. } => Some(Endpoint::Gateways),
            Self::List { .. } => Some(Endpoint::List),
            Self::Token => Some(Endpoint::Token),
            Self::Table { call: TableCall::Insert, .. } => Some(Endpoint::Insert),
            Self::Database { .. } => Some(Endpoint::Database),
            Self::Verify(_)
            | Self::Accounts
            | Self::Account { .. }
            | Self::Gateway { .. }
            | Self::Kv { .. }
            | Self::Namespaces { .. }
            | Self::Databases { .. }
            | Self::Queues { .. }
            | Self::Table { call: TableCall::Get | TableCall::TestPermissions, .. }
            | Self::Operator => None,
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
        let shown = route(Method::GET, "/client/v4/accounts/a/ai-gateway/gateways/b");
        assert_eq!(shown, Some(Route::Gateway { account: "a".into(), gateway: "b".into() }));
        let namespaces =
            |method, path: &str| route(method, &format!("/client/v4/accounts/a/storage/kv/namespaces{path}"));
        let call = NamespaceCall::Delete("n".into());
        assert_eq!(namespaces(Method::DELETE, "/n"), Some(Route::Namespaces { account: "a".into(), call }));
        let kv = Route::Kv { account: "a".into(), namespace: "n".into(), call: ValueCall::Keys };
        assert_eq!(namespaces(Method::GET, "/n/keys"), Some(kv));
        let insert = route(Method::POST, "http://h/bigquery/v2/projects/p/datasets/d/tables/t/insertAll");
        let expected =
            Route::Table { project: "p".into(), dataset: "d".into(), table: "t".into(), call: TableCall::Insert };
        assert_eq!(insert, Some(expected));
        assert_eq!(route(Method::POST, "/token"), Some(Route::Token));
        assert_eq!(route(Method::GET, "/token"), None);
        assert_eq!(route(Method::GET, "/simulator/calls"), Some(Route::Operator));
        assert_eq!(route(Method::GET, "/"), None);
    }
}
