//! Addresses (IP) of people. Without its last part, an address names a network and no longer a person.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::Value;

/// The names of fields with an address, in small letters and without `_` and `-`.
const NAMES: [&str; 22] = [
    "ip",
    "ips",
    "ipv4",
    "ipv6",
    "ipaddr",
    "ipaddress",
    "clientip",
    "clientipaddress",
    "clientaddr",
    "clientaddress",
    "remoteip",
    "remoteaddr",
    "remoteaddress",
    "sourceip",
    "userip",
    "peerip",
    "peeraddr",
    "xforwardedfor",
    "forwardedfor",
    "xrealip",
    "trueclientip",
    "cfconnectingip",
];

/// Whether a field of this name holds addresses: `ip_address`, `clientIp`, `X-Forwarded-For`.
pub(super) fn is_name(name: &str) -> bool {
    let letters = || name.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase());
    NAMES.iter().any(|known| letters().eq(known.bytes()))
}

/// Cuts each address in a value: a text with one or several, separated by commas, or a list or an object of such.
pub(super) fn truncate(value: &mut Value) {
    match value {
        Value::String(text) => {
            let parts: Vec<_> = text.split(',').map(cut).collect();
            if parts.iter().any(Option::is_some) {
                let parts = text.split(',').zip(parts).map(|(part, cut)| cut.unwrap_or_else(|| part.to_owned()));
                *text = parts.collect::<Vec<_>>().join(",");
            }
        }
        Value::Array(list) => list.iter_mut().for_each(truncate),
        Value::Object(members) => members.values_mut().for_each(truncate),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The address in a text without its last part, with the spaces before it; none if the text is no address.
fn cut(part: &str) -> Option<String> {
    let text = part.trim();
    let spaces = &part[..part.len() - part.trim_start().len()];
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(format!("{spaces}{}", network(ip)));
    }
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(Ok(ip)) = bracketed.map(str::parse::<Ipv6Addr>) {
        return Some(format!("{spaces}[{}]", network(ip.into())));
    }
    let mut socket: SocketAddr = text.parse().ok()?;
    socket.set_ip(network(socket.ip()));
    Some(format!("{spaces}{socket}"))
}

/// IPv4 without the last 8 bits, IPv6 without all but the first 48.
fn network(ip: IpAddr) -> IpAddr {
    let shortened = |ip: Ipv4Addr| Ipv4Addr::from_bits(ip.to_bits() & !0xff);
    match ip {
        IpAddr::V4(ip) => IpAddr::V4(shortened(ip)),
        IpAddr::V6(ip) => IpAddr::V6(match ip.to_ipv4_mapped() {
            Some(ip) => shortened(ip).to_ipv6_mapped(),
            None => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{is_name, truncate};

    #[test]
    fn names_of_addresses_are_known_in_any_form() {
        for name in
            ["ip", "IP", "ip_address", "ipAddress", "client-ip", "remote_addr", "X-Forwarded-For", "CF-Connecting-IP"]
        {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "_", "zip", "ips2", "tip", "address", "ship_to", "ip.address"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn the_last_part_of_each_address_goes() {
        let check = |given: Value, expected: Value| {
            let mut value = given.clone();
            truncate(&mut value);
            assert_eq!(value, expected, "{given}");
        };
        check(json!("203.0.113.42"), json!("203.0.113.0"));
        check(json!("203.0.113.42:8080"), json!("203.0.113.0:8080"));
        check(json!("2001:db8:85a3:8d3:1319:8a2e:370:7348"), json!("2001:db8:85a3::"));
        check(json!("::1"), json!("::"));
        check(json!("[2001:db8:85a3:1::1]"), json!("[2001:db8:85a3::]"));
        check(json!("[2001:db8:85a3:1::1]:443"), json!("[2001:db8:85a3::]:443"));
        check(json!("::ffff:203.0.113.42"), json!("::ffff:203.0.113.0"));
        check(json!(" 203.0.113.42, 2001:db8:1:2::3 ,unknown"), json!(" 203.0.113.0, 2001:db8:1::,unknown"));
        check(json!(["203.0.113.42", { "v4": "203.0.113.42" }, 7]), json!(["203.0.113.0", { "v4": "203.0.113.0" }, 7]));
        for other in [json!("localhost"), json!(""), json!("203.0.113"), json!(7), json!(null)] {
            check(other.clone(), other);
        }
    }
}
