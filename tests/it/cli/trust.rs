//! Whom the command trusts: with rows, with secrets, with files.

use std::{
    ffi::OsStr,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::Path,
    process::{Child, Command, Output},
    thread::{self, JoinHandle},
};

use super::{World, assert_same, command, cursors, records, with_settings, words};
use crate::process::Running;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What is printed up to the end of the first line, after which nobody reads any more.
fn first_line(child: &mut Child) -> String {
    let mut output = child.stdout.take().unwrap();
    let (mut line, mut letter) = (Vec::new(), [0]);
    while letter != *b"\n" {
        output.read_exact(&mut letter).unwrap();
        line.extend(letter);
    }
    String::from_utf8(line).unwrap()
}

/// Reads one line of a command, and waits for its end.
fn head(mut command: Command) -> (String, Option<i32>) {
    let mut running = Running(command.spawn().unwrap());
    let line = first_line(&mut running.0);
    (line, running.0.wait().unwrap().code())
}

#[test]
fn a_row_that_nobody_has_read_is_not_delivered() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    let forward = ["forward", "--sink", "ndjson", "--state", "s.sqlite"];
    let (line, code) = head(world.command(&forward));
    assert_eq!((records(&line).len(), code), (1, Some(1)));
    assert_eq!(cursors(&world.path("s.sqlite")), []);
    assert_same(&world.entries(), records(&world.run(&forward)));
}

/// The command, where no file may grow beyond 100 KiB, and with its output in a file if this names one.
fn limited(command: &Command, into: &str) -> Command {
    let mut limited = Command::new("/bin/bash");
    limited.arg("-c").arg(format!(r#"trap '' XFSZ; ulimit -f 100; exec "$@" {into}"#)).arg("bash");
    limited.arg(command.get_program()).args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

#[test]
fn a_full_disk_leaves_no_half_row_and_no_cursor() {
    for (sink, into) in [("ndjson:rows.ndjson", ""), ("ndjson", ">> rows.ndjson"), ("ndjson", "> rows.ndjson")] {
        let world = World::start(&["--entries", "300", "--rate", "0", "--days", "0.003"]);
        let before = if into.starts_with(">>") { "{}\n" } else { "" };
        fs::write(world.path("rows.ndjson"), before).unwrap();
        let arguments = ["forward", "--sink", sink, "--state", "s.sqlite"];
        // The write ends within a row.
        let output = limited(&world.command(&arguments), into).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains("writing rows to NDJSON"), "{}", words(&output));
        assert_eq!(fs::read_to_string(world.path("rows.ndjson")).unwrap(), before, "{into}");
        assert_eq!(cursors(&world.path("s.sqlite")), []);
        let printed = world.run(&arguments);
        let rows = fs::read_to_string(world.path("rows.ndjson")).unwrap();
        assert_same(&world.entries(), records(if into.is_empty() { &rows } else { &printed }));
    }
}

#[test]
fn a_command_that_nobody_reads_ends() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    for arguments in [&["run", "--dry-run", "--json", "--every", "1"][..], &["forward", "--dry-run"]] {
        let (line, code) = head(world.command(arguments));
        assert_eq!((records(&line).len(), code), (1, Some(0)), "{arguments:?}");
    }
}

#[test]
fn what_is_written_is_for_its_owner_alone() {
    let world = World::start(&["--entries", "20", "--rate", "0", "--days", "0.003"]);
    world.run(&["forward"]);
    world.run(&["forward", "--sink", "sqlite:rows.sqlite", "--state", "a.sqlite"]);
    world.run(&["forward", "--sink", "ndjson:rows.ndjson", "--state", "b.sqlite"]);
    for file in ["aig-logs.sqlite", "rows.sqlite", "a.sqlite", "rows.ndjson", "b.sqlite"] {
        assert_eq!(mode(&world.path(file)), 0o600, "{file}");
    }
    // While it is open, SQLite has files beside it.
    let mut run = Running(world.command(&["run", "--json", "--sink", "sqlite:c.sqlite"]).spawn().unwrap());
    first_line(&mut run.0);
    for file in ["c.sqlite", "c.sqlite-wal", "c.sqlite-shm"] {
        assert_eq!(mode(&world.path(file)), 0o600, "{file}");
    }
}

#[test]
fn a_file_of_secrets_that_others_can_read_is_told() {
    let world = World::start(&["--entries", "5", "--rate", "0"]);
    let forward = || words(&world.command(&["forward"]).output().unwrap());
    assert!(!forward().contains("chmod"));
    fs::set_permissions(world.path(".dev.vars"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = world.command(&["forward"]).output().unwrap();
    assert!(output.status.success() && words(&output).contains("chmod 600 .dev.vars"), "{}", words(&output));
}

/// What `forward` says in a folder with these files, and these settings in the environment.
fn forward(files: &[(&str, &str)], vars: &[(&str, &str)], options: &[&str]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let output = command(folder.path()).arg("forward").args(options).envs(vars.iter().copied()).output().unwrap();
    (words(&output), output.status.code())
}

#[test]
fn a_file_sends_no_secret_of_the_environment_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let names = [("CF_ACCOUNT_ID", "a"), ("AIG_GATEWAY_ID", "main")];
    let google = [("GCP_BQ_PROJECT", "p"), ("GCP_BQ_DATASET", "d"), ("GCP_SA_EMAIL", "a@b")];
    let check = |setting: &str, secret: &str, value: &str| {
        let vars = [&names[..], &google, &[("CF_API_TOKEN", "hush"), (secret, value)]].concat();
        let worker = format!("[vars]\n{setting} = \"{address}\"\n");
        let line = format!("{setting}={address}\n");
        for (files, options) in [
            ([("wrangler.toml", worker.as_str())], &[][..]),
            ([(".dev.vars", line.as_str())], &[]),
            ([("other", line.as_str())], &["--vars", "other"]),
        ] {
            let (words, code) = forward(&files, &vars, &[&["--sink", "bigquery"], options].concat());
            assert!(code == Some(2) && words.contains(setting) && words.contains(secret), "{words}");
            assert!(words.contains("in the environment") && !words.contains("hush"), "{words}");
        }
    };
    check("CLOUDFLARE_BASE_URL", "CF_API_TOKEN", "hush");
    check("GCP_TOKEN_URI", "GCP_SA_KEY_JSON", "{\"hush\":1}");
    check("GCP_TOKEN_URI", "GCP_SA_PRIVATE_KEY_PEM", "hush");
    check("BIGQUERY_EMULATOR_HOST", "GCP_SA_PRIVATE_KEY_PEM", "hush");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody was called");
}

#[test]
fn an_address_goes_with_the_secrets_of_its_own_source() {
    // Nobody answers there; the settings are good.
    let address = "CLOUDFLARE_BASE_URL=http://127.0.0.1:1\n";
    let rest = "CF_ACCOUNT_ID=a\nAIG_GATEWAY_ID=main\n";
    let vars = |text: String, vars: &[(&str, &str)]| {
        let (words, code) = forward(&[(".dev.vars", &text)], vars, &[]);
        assert!(code == Some(1) && words.contains("no answer"), "{words}");
    };
    vars(format!("{address}{rest}CF_API_TOKEN=t\n"), &[]);
    vars(format!("{rest}CF_API_TOKEN=t\n"), &[("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1")]);
    vars(format!("{address}{rest}"), &[("CF_API_TOKEN", "t"), ("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1")]);
}

#[test]
fn a_name_that_is_almost_a_settings_is_told() {
    let world = World::start(&["--entries", "5", "--rate", "0"]);
    let known = fs::read_to_string(world.path(".dev.vars")).unwrap();
    let check = |file: &str, text: &str, wrong: &str, right: &str| {
        fs::write(world.path(file), text).unwrap();
        let output = world.command(&["forward"]).output().unwrap();
        let words = words(&output);
        assert!(output.status.code() == Some(2) && words.contains(wrong) && words.contains(right), "{words}");
    };
    check(".dev.vars", &format!("{known}\nDROP_METADTA=email\n"), "DROP_METADTA", "DROP_METADATA");
    check(".dev.vars", &format!("{known}\nsettle_second=5\n"), "settle_second", "SETTLE_SECONDS");
    fs::write(world.path(".dev.vars"), format!("{known}\nOPENAI_API_KEY=x\nSSH_KEY=y\n")).unwrap();
    world.run(&["forward"]);
    check("wrangler.toml", "[vars]\nLOG_LEVLE = \"debug\"\n", "LOG_LEVLE", "LOG_LEVEL");
    fs::remove_file(world.path("wrangler.toml")).unwrap();
    let output = world.command(&["forward"]).env("DROP_METADTA", "hush").output().unwrap();
    let words = words(&output);
    assert!(output.status.success() && words.contains("DROP_METADATA") && !words.contains("hush"), "{words}");
}

#[test]
fn a_setting_that_is_no_text_is_named() {
    let world = World::start(&["--entries", "5", "--rate", "0"]);
    let output = world.command(&["forward"]).env("DROP_METADATA", OsStr::from_bytes(b"em\xffail")).output().unwrap();
    let words = words(&output);
    assert!(output.status.code() == Some(2) && words.contains("DROP_METADATA is not UTF-8"), "{words}");
}

#[test]
fn a_proxy_is_not_asked_for_what_is_on_this_machine() {
    let world = World::start(&["--entries", "5", "--rate", "0"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let mut forward = world.command(&["forward"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        forward.env(name, &proxy);
    }
    listener.set_nonblocking(true).unwrap();
    let output = forward.output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    assert!(listener.accept().is_err(), "the proxy was called");
}

/// Answers one connection with a status, and gives what it was sent.
fn refuse_one(listener: TcpListener, status: &'static str) -> JoinHandle<String> {
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let length = connection.read(&mut head).unwrap();
        let _ = write!(connection, "HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
        String::from_utf8_lossy(&head[..length]).into_owned()
    })
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_and_sees_no_token() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut forward = command(folder.path());
    let vars = [("CF_API_TOKEN", "hush"), ("CF_ACCOUNT_ID", "a"), ("AIG_GATEWAY_ID", "main")];
    forward.arg("forward").envs(vars).env("HTTPS_PROXY", proxy).env("CLOUDFLARE_BASE_URL", "https://far.invalid");
    let asked = refuse_one(listener, "502 Bad Gateway");
    let _pass = Running(forward.spawn().unwrap());
    let head = asked.join().unwrap();
    assert!(head.starts_with("CONNECT far.invalid:443 ") && !head.contains("hush"), "{head}");
}

#[test]
fn a_dollar_in_a_secret_is_sent_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = refuse_one(listener, "401 Unauthorized");
    let vars =
        format!("CF_API_TOKEN=ab$cd\nCF_ACCOUNT_ID=a\nAIG_GATEWAY_ID=main\nCLOUDFLARE_BASE_URL=http://{address}\n");
    let _: Output = with_settings(&vars, &["forward"]);
    let head = asked.join().unwrap();
    assert!(head.contains("Bearer ab$cd\r\n"), "{head}");
}
