//! The browser of whoever sits at this machine.

use std::{
    env,
    io::{self, IsTerminal},
};

/// Opens an address in the browser, if somebody sits at this machine and sees what the program prints.
pub fn open(address: &str) {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal()
        && has_desktop(cfg!(target_os = "macos"), is_set)
        && let Err(error) = open::that_detached(address)
    {
        log::info!("the browser does not open: {error}");
    }
}

/// Whether there is a desktop to open it on, and not on another machine.
fn has_desktop(is_mac: bool, is_set: impl Fn(&str) -> bool) -> bool {
    let is_remote = ["SSH_CONNECTION", "SSH_TTY"].into_iter().any(&is_set);
    !is_remote && (is_mac || ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(&is_set))
}

#[cfg(test)]
mod tests {
    use super::has_desktop;

    #[test]
    fn a_browser_opens_only_where_somebody_sits() {
        let check = |is_mac, set: &[&str], expected| {
            assert_eq!(has_desktop(is_mac, |name| set.contains(&name)), expected, "{is_mac} {set:?}");
        };
        check(false, &[], false);
        check(false, &["DISPLAY"], true);
        check(false, &["WAYLAND_DISPLAY"], true);
        check(false, &["DISPLAY", "SSH_CONNECTION"], false);
        check(true, &[], true);
        check(true, &["SSH_TTY"], false);
    }
}
