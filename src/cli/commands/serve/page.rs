//! The page: `scripts/build-page.mjs` makes it of `src/dashboard/`. The Worker has it among its assets.

use std::{fmt::Write as _, io::Write as _, sync::LazyLock};

use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::wire::{Request, Response, weight};

const PAGE: &[u8] = include_bytes!("../../../dashboard/built/dashboard.html");

/// The headers of the page, in the form in which Cloudflare reads them: a path, and below it a header a line.
const HEADERS: &str = include_str!("../../../dashboard/built/_headers");

/// Where the page is.
const PATHS: [&str; 3] = ["/", "/dashboard.html", "/index.html"];

/// The page, gzipped; empty, if that could not be done.
static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(PAGE).and_then(|()| gzip.finish()).unwrap_or_default()
});

/// What the page is known by.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let hash = Sha256::digest(PAGE);
    let digits = hash[..16].iter().fold(String::new(), |mut digits, byte| {
        // A text takes every write.
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    format!("\"{digits}\"")
});

/// The answer to a request for the page; none: it is for something else.
pub fn answer(request: &Request) -> Option<Response> {
    let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
    if !is_read || !PATHS.contains(&request.uri().path()) {
        return None;
    }
    let is_packed = weight(request.headers(), &header::ACCEPT_ENCODING, "gzip") > 0.0 && !PACKED.is_empty();
    let body = if is_packed { PACKED.as_slice() } else { PAGE };
    let mut response = Response::new(Vec::new());
    *response.headers_mut() = headers();
    if is_packed {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let tags = request.headers().get_all(header::IF_NONE_MATCH).into_iter().filter_map(|tags| tags.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    if tags.any(|tag| tag == "*" || tag == TAG.as_str()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if request.method() == Method::HEAD {
        response.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    } else {
        body.clone_into(response.body_mut());
    }
    Some(response)
}

fn headers() -> HeaderMap {
    let own = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // It is asked for anew each time, and sent anew only if it is another one.
        (header::CACHE_CONTROL, "no-cache"),
        (header::ETAG, TAG.as_str()),
        (header::VARY, "accept-encoding"),
    ];
    let secure = HEADERS.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": "));
    let secure = secure.filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value)));
    let all = own.into_iter().chain(secure);
    all.filter_map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn ask(method: Method, path: &str, sent: &[(HeaderName, &str)]) -> Option<Response> {
        let mut request = Request::new(Vec::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in sent {
            request.headers_mut().append(name, value.parse().unwrap());
        }
        answer(&request)
    }

    fn header(response: &Response, name: &str) -> String {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn every_path_of_the_page_has_it_and_what_protects_it() {
        for path in PATHS {
            let response = ask(Method::GET, path, &[]).unwrap();
            assert_eq!((response.status(), response.body().as_slice()), (StatusCode::OK, PAGE));
            let policy = header(&response, "content-security-policy");
            assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(header(&response, "x-content-type-options"), "nosniff");
            assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        }
        assert!(ask(Method::GET, "/health", &[]).is_none());
        assert!(ask(Method::POST, "/", &[]).is_none());
    }

    #[test]
    fn the_page_is_sent_packed_to_who_unpacks_it() {
        let response = ask(Method::GET, "/", &[(header::ACCEPT_ENCODING, "br, gzip;q=0.5")]).unwrap();
        assert_eq!(header(&response, "content-encoding"), "gzip");
        let plain = ask(Method::GET, "/", &[(header::ACCEPT_ENCODING, "br, gzip;q=0")]).unwrap();
        assert!(plain.headers().get("content-encoding").is_none() && plain.body().as_slice() == PAGE);
        let mut page = Vec::new();
        GzDecoder::new(response.body().as_slice()).read_to_end(&mut page).unwrap();
        assert!(page == PAGE);
        assert!(response.body().len() <= 45_000, "{}", response.body().len());
    }

    #[test]
    fn who_has_the_page_is_not_sent_it_again() {
        let head = ask(Method::HEAD, "/", &[]).unwrap();
        assert_eq!((head.body().len(), header(&head, "content-length")), (0, PAGE.len().to_string()));
        for tag in [header(&head, "etag"), format!("\"x\", W/{}", header(&head, "etag")), "*".into()] {
            let response = ask(Method::GET, "/", &[(header::IF_NONE_MATCH, &tag)]).unwrap();
            assert_eq!((response.status(), response.body().len()), (StatusCode::NOT_MODIFIED, 0));
        }
        let other = ask(Method::GET, "/", &[(header::IF_NONE_MATCH, "\"x\"")]).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }
}
