//! The price list in a file.

use serde_json::{Value, json};

use super::served::{DB, Place};

#[test]
fn prices_are_set_and_listed_in_a_file() {
    let place = Place::new();
    place.key("acme", "ingest");
    let set = |arguments: &[&str]| place.run(&[&["prices", "set", "--db", DB, "--sku", "tokens"], arguments].concat());
    assert_eq!(place.run(&["prices", "list", "--db", DB]).1, "no price\n");
    assert_eq!(set(&["--unit", "1k", "--since", "2026-11-01", "--price", "0.02"]).0, Some(0));
    assert_eq!(set(&["--unit", "1k", "--since", "2026-11-01", "--price", "0.03"]).0, Some(0));
    let (code, words, _) = set(&["--unit", "1k", "--since", "2026-11-01", "--price", "2", "--org", "acme"]);
    assert!(code == Some(0) && words.contains("acme") && !words.contains("0.03"), "{words}");
    let (code, listed, _) = place.run(&["prices", "list", "--db", DB, "--json"]);
    let row = |org: &str, price: Value| json!({ "organizationId": org, "sku": "tokens", "unit": "1k", "since": "2026-11-01T00:00:00.000Z", "price": price });
    let expected = json!({ "rows": [row("*", json!(0.03)), row("acme", json!(2))] });
    assert_eq!((code, serde_json::from_str::<Value>(&listed).unwrap()), (Some(0), expected));
    let words = place.run(&["prices", "list", "--db", DB]).1;
    assert!(words.contains("acme") && words.contains("0.03"), "{words}");
    for (arguments, named) in [
        (&["--unit", "1k", "--since", "soon", "--price", "1"][..], "--since"),
        (&["--unit", "1k", "--since", "2026-11-01", "--price", "-1"], "--price"),
        (&["--unit", "1k", "--since", "2026-11-01", "--price", "1", "--org", ""], "--org"),
    ] {
        let (code, _, words) = set(arguments);
        assert!(code == Some(2) && words.contains(named), "{words}");
    }
    assert_eq!(place.count("SELECT count(*) FROM prices"), 2);
}
