//! The list of a gateway's logs: parameters in, one page out. Page numbers are offsets into a moving table.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::simulator::{
    chance::mix,
    cloudflare::{
        self,
        filter::{Filters, Refused},
        gateway::Gateway,
    },
    options::Quirks,
    time::Timestamp,
    wire,
};

const PER_PAGE: usize = 20;
const MOST_PER_PAGE: usize = 50;
const ORDERS: &[&str] = &["created_at", "provider", "model", "model_type", "success", "cached"];

struct Query {
    page: usize,
    per_page: usize,
    order_by: String,
    descending: bool,
    filters: Filters,
}

/// Answers a list request for one gateway. `turn` numbers the answers. If ties have no order, each answer shows them in
/// another order.
pub(in crate::simulator) fn answer(
    gateway: &Gateway,
    quirks: Quirks,
    turn: u64,
    now: Timestamp,
    query: &str,
) -> http::Response<Vec<u8>> {
    let query = match Query::parse(query, quirks) {
        Ok(query) => query,
        Err(refused) => {
            let error = json!([{ "code": 7001, "message": refused.message, "path": refused.path }]);
            return cloudflare::failure(400, error, json!({}));
        }
    };
    let (total, indices) = query.search(gateway, now);
    let indices = if quirks.shuffles_ties { shuffled(gateway, indices, turn) } else { indices };
    let per_page = query.per_page.min(quirks.page_cap.unwrap_or(MOST_PER_PAGE));
    let page = if quirks.ignores_page { 1 } else { query.page };
    let start = (page - 1).saturating_mul(per_page);
    let entries: Vec<_> = indices.skip(start).take(per_page).map(|index| gateway.stored(index).listed()).collect();
    let mut info = json!({ "page": query.page, "per_page": query.per_page, "count": entries.len() });
    let total = if quirks.total_count_ignores_filter { gateway.count(now) } else { total };
    if !quirks.without_total_count {
        info["total_count"] = if quirks.counts_the_page { entries.len() } else { total }.into();
    }
    let head = br#"{"success":true,"errors":[],"messages":[],"result":["#;
    let tail = format!(r#"],"result_info":{info}}}"#);
    let list = entries.join(&b',');
    wire::response(200, "application/json", [&head[..], &list, tail.as_bytes()].concat())
}

/// The same entries. The entries of one millisecond come in another order in each answer.
fn shuffled<'a>(
    gateway: &Gateway,
    indices: impl Iterator<Item = usize>,
    turn: u64,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    let mut indices: Vec<_> = indices.collect();
    for ties in indices.chunk_by_mut(|a, b| gateway.stored(*a).created_at == gateway.stored(*b).created_at) {
        ties.sort_by_key(|index| mix(turn ^ mix(*index as u64)));
    }
    Box::new(indices.into_iter())
}

impl Query {
    fn parse(query: &str, quirks: Quirks) -> Result<Self, Refused> {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let find = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let page = number("page", find("page"), 1, usize::MAX)?;
        let per_page = number("per_page", find("per_page"), PER_PAGE, MOST_PER_PAGE)?;
        let order_by = choice("order_by", find("order_by"), ORDERS)?;
        let direction = choice("order_by_direction", find("order_by_direction"), &["desc", "asc"])?;
        // Repeated, bracketed and dotted forms are ignored without a word, and every log is listed.
        let mut filters = parameters.iter().filter(|(key, _)| key == "filters");
        let filters = match (filters.next(), filters.next()) {
            (Some((_, text)), None) => Filters::parse(text)?,
            _ => Filters::none(),
        };
        Ok(Self {
            page,
            per_page,
            order_by: if quirks.ignores_order { ORDERS[0] } else { order_by }.to_owned(),
            descending: quirks.ignores_order || direction == "desc",
            filters: if quirks.ignores_filter { Filters::none() } else { filters },
        })
    }

    /// How many entries match, and their indices in the order asked for.
    fn search<'a>(&'a self, gateway: &'a Gateway, now: Timestamp) -> (usize, Box<dyn Iterator<Item = usize> + 'a>) {
        let (after, before) = (self.filters.after, self.filters.before);
        let found = gateway.between(after, before, now);
        if self.order_by == ORDERS[0] && self.filters.conditions.is_empty() {
            let total = gateway.count_between(after, before, now);
            return (total, if self.descending { Box::new(found.rev()) } else { Box::new(found) });
        }
        let keyed = found.map(|index| (index, gateway.entry(index)));
        let matching = keyed.filter(|(_, entry)| self.filters.match_entry(entry));
        // An index is already the place in time.
        let key = |entry: &Value| {
            if self.order_by == ORDERS[0] { String::new() } else { entry[&self.order_by].to_string() }
        };
        let mut sorted: Vec<(String, usize)> = matching.map(|(index, entry)| (key(&entry), index)).collect();
        if self.descending {
            sorted.sort_by_key(|key| Reverse(key.clone()));
        } else {
            sorted.sort();
        }
        (sorted.len(), Box::new(sorted.into_iter().map(|(_, index)| index)))
    }
}

/// A whole number from 1 to `most`.
fn number(name: &str, text: Option<&str>, default: usize, most: usize) -> Result<usize, Refused> {
    let refused = |message: String| Refused { message, path: vec!["query".into(), name.into()] };
    let Some(text) = text else { return Ok(default) };
    match text.parse() {
        Err(_) => Err(refused("Expected number, received nan".into())),
        Ok(0) => Err(refused("Number must be greater than or equal to 1".into())),
        Ok(number) if number > most => Err(refused(format!("Number must be less than or equal to {most}"))),
        Ok(number) => Ok(number),
    }
}

/// One of the known words, the first by default.
fn choice<'a>(name: &str, text: Option<&'a str>, known: &[&'a str]) -> Result<&'a str, Refused> {
    let text = text.unwrap_or(known[0]);
    let message = format!("Invalid enum value. Expected '{}', received '{text}'", known.join("' | '"));
    known.contains(&text).then_some(text).ok_or(Refused { message, path: vec!["query".into(), name.into()] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::cloudflare::gateway::tests::{gateway, instant};

    fn check(quirks: Quirks, query: &str) -> (u16, Value) {
        let gateway = gateway(&[("a", 1_000), ("b", 2_000), ("c", 3_000), ("d", 4_000)]);
        let response = answer(&gateway, quirks, 1, instant(10_000), query);
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn ids(query: &str) -> Vec<Value> {
        let (_, body) = check(Quirks::default(), query);
        body["result"].as_array().unwrap().iter().map(|entry| entry["id"].clone()).collect()
    }

    fn filters(text: &Value) -> String {
        form_urlencoded::Serializer::new(String::new()).append_pair("filters", &text.to_string()).finish()
    }

    /// `created_at` after 1 s and before 4 s.
    fn middle() -> String {
        filters(&json!([
            { "key": "created_at", "operator": "gt", "value": ["1970-01-01T00:00:01.000Z"] },
            { "key": "created_at", "operator": "lt", "value": ["1970-01-01T00:00:04.000Z"] },
        ]))
    }

    #[test]
    fn newest_first_unless_asked_otherwise() {
        assert_eq!(ids(""), ["d", "c", "b", "a"]);
        assert_eq!(ids("order_by=created_at&order_by_direction=asc"), ["a", "b", "c", "d"]);
        assert_eq!(ids("order_by_direction=asc&per_page=3&page=2"), ["d"]);
        assert_eq!(ids("page=3&per_page=4"), [""; 0]);
    }

    #[test]
    fn a_page_says_what_it_holds() {
        let (status, body) = check(Quirks::default(), &format!("per_page=1&{}", middle()));
        assert_eq!(status, 200);
        assert_eq!(body["success"], true);
        assert_eq!(body["result_info"], json!({ "page": 1, "per_page": 1, "count": 1, "total_count": 2 }));
    }

    #[test]
    fn only_one_json_array_filters() {
        assert_eq!(ids(&middle()), ["c", "b"]);
        let element = json!({ "key": "created_at", "operator": "gt", "value": ["2026-01-01T00:00:00Z"] });
        let element = filters(&element);
        assert_eq!(ids(&format!("{element}&{element}")).len(), 4);
        assert_eq!(ids("filters[0][key]=created_at&filters.operator=gt").len(), 4);
        let by_id = json!([{ "key": "id", "operator": "eq", "value": ["a", "d"] }]);
        assert_eq!(ids(&filters(&by_id)), ["d", "a"]);
    }

    #[test]
    fn wrong_parameters_are_refused_with_7001() {
        let scalar = filters(&json!([{ "key": "id", "operator": "eq", "value": "a" }]));
        for query in ["per_page=51", "per_page=0", "page=0", "page=x", "order_by=id", &scalar] {
            let (status, body) = check(Quirks::default(), query);
            assert_eq!((status, &body["errors"][0]["code"]), (400, &json!(7001)), "{query}");
            assert_eq!(body["success"], false);
        }
    }

    #[test]
    fn quirks_bend_the_answer() {
        let of = |quirks| check(quirks, &format!("order_by_direction=asc&{}", middle())).1;
        let plain = Quirks::default();
        let body = of(Quirks { without_total_count: true, ..plain });
        assert_eq!(body["result_info"].get("total_count"), None);
        let body = of(Quirks { total_count_ignores_filter: true, ..plain });
        assert_eq!(body["result_info"]["total_count"], 4);
        let body = of(Quirks { ignores_filter: true, ..plain });
        assert_eq!(body["result"].as_array().unwrap().len(), 4);
        let body = of(Quirks { ignores_order: true, ..plain });
        assert_eq!(body["result"][0]["id"], "c");
        let body = of(Quirks { page_cap: Some(1), ..plain });
        assert_eq!(body["result_info"]["count"], 1);
        let body = of(Quirks { page_cap: Some(1), counts_the_page: true, ..plain });
        assert_eq!(body["result_info"]["total_count"], 1);
        let second = |quirks| check(quirks, "order_by_direction=asc&per_page=1&page=2").1["result"][0]["id"].clone();
        assert_eq!([second(plain), second(Quirks { ignores_page: true, ..plain })], ["b", "a"]);
    }

    #[test]
    fn ties_may_come_in_another_order_in_each_answer() {
        let gateway = gateway(&[("a", 1), ("b", 2), ("c", 2), ("d", 2), ("e", 2), ("f", 3)]);
        let quirks = Quirks { shuffles_ties: true, ..Quirks::default() };
        let shown = |turn| {
            let response = answer(&gateway, quirks, turn, instant(10), "order_by_direction=asc");
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            let ids = body["result"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned());
            ids.collect::<Vec<_>>()
        };
        let (first, others) = (shown(1), [2, 3, 4].map(shown));
        for order in [&first].into_iter().chain(&others) {
            let mut ties = order[1..5].to_vec();
            ties.sort();
            assert_eq!((order[0].as_str(), ties.concat().as_str(), order[5].as_str()), ("a", "bcde", "f"));
        }
        assert!(others.iter().any(|other| *other != first));
    }

    #[test]
    fn an_entry_is_shown_in_whatever_bytes_a_test_wants() {
        let mut gateway = gateway(&[("a", 1), ("b", 2)]);
        assert!(gateway.show_as("b", b"\xff{".to_vec()) && !gateway.show_as("c", Vec::new()));
        let response = answer(&gateway, Quirks::default(), 1, instant(10), "order_by_direction=asc");
        assert!(response.body().windows(4).any(|bytes| bytes == b",\xff{]"));
    }
}
