//! The subject of an event: which tool, product, model, route, error or project it is about.

use super::{
    json::Members,
    place::{SKU, look, text},
};

/// Where a subject comes from.
enum Origin {
    /// A field.
    Field(&'static str),
    /// The product that is used. It is a column of its own too.
    Sku,
    /// The method and the path of a request.
    Route,
    /// The object of a verb, in the dialect of seed 002.
    Source,
}

/// The first one that is there counts.
const ORIGINS: [Origin; 8] = [
    Origin::Field("subject"),
    Origin::Field("tool_name"),
    Origin::Sku,
    Origin::Field("model"),
    Origin::Route,
    Origin::Field("error_type"),
    Origin::Source,
    Origin::Field("project_id"),
];

/// Finds the subject among the fields, which it leaves, or in the metadata, where it stays.
pub(super) fn take(fields: &mut Members<'_>, metadata: &Members<'_>, has_source: bool) -> Option<String> {
    if let Some((subject, names)) = find(fields, has_source) {
        for name in names {
            fields.remove(name);
        }
        return Some(subject);
    }
    find(metadata, has_source).map(|(subject, _)| subject)
}

/// The subject, and the fields that are wholly in it.
fn find(fields: &Members<'_>, has_source: bool) -> Option<(String, &'static [&'static str])> {
    let field = |name| fields.get(name)?.as_str().filter(|text| !text.is_empty());
    let own = |name| field(name).map(str::to_owned);
    ORIGINS.iter().find_map(|origin| match origin {
        Origin::Field(name) => Some((own(name)?, std::slice::from_ref(name))),
        Origin::Sku => Some((look(fields, SKU, text)?, [].as_slice())),
        Origin::Route => Some((format!("{} {}", field("method")?, field("path")?), ["method", "path"].as_slice())),
        Origin::Source => Some((own("source").filter(|_| has_source)?, ["source"].as_slice())),
    })
}
