//! A terminal for a command, and what it prints there.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::Read as _,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    },
    path::{Path, PathBuf},
    process::Command,
    thread::JoinHandle,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// A terminal, read until the last program that writes there has ended.
pub struct Terminal(JoinHandle<String>);

impl Terminal {
    /// Lets a command print into a new terminal of 80 columns.
    pub fn of(command: &mut Command) -> Self {
        let inner = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&inner).unwrap();
        unlockpt(&inner).unwrap();
        tcsetwinsize(&inner, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&inner, Vec::new()).unwrap();
        let outer = File::options().read(true).write(true).open(OsStr::from_bytes(name.to_bytes())).unwrap();
        command.stdout(OwnedFd::from(outer));
        let mut inner = File::from(inner);
        Self(std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // Its end is an error on some systems.
            let _ = inner.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }))
    }

    /// What was printed. The command must be gone, as must be whoever could start it again.
    pub fn text(self) -> String {
        self.0.join().unwrap()
    }
}

/// A desktop whose browser writes the address into a file, and opens nothing.
pub struct Desktop(PathBuf);

impl Desktop {
    /// Gives a command that runs in a folder this desktop.
    pub fn of(command: &mut Command, folder: &Path) -> Self {
        let (bin, opened) = (folder.join("bin"), folder.join("opened"));
        fs::create_dir_all(&bin).unwrap();
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let script = format!("#!/bin/sh\necho \"$1\" > {0}.new\nmv {0}.new {0}\n", opened.display());
        fs::write(bin.join(program), script).unwrap();
        fs::set_permissions(bin.join(program), Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("DISPLAY", ":0").env("PATH", format!("{}:{path}", bin.display()));
        Self(opened)
    }

    /// The address that the browser was given, if it was.
    pub fn opened(&self) -> Option<String> {
        fs::read_to_string(&self.0).ok().map(|address| address.trim().to_owned())
    }
}
