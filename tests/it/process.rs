//! Processes that tests start, and what is asked of them over HTTP.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs a command beside a shell that waits for the end of its input. It comes when the test drops the input, and also
/// when the test itself is killed; then the shell kills the whole group. So it does when the command ends by itself.
const GUARD: &str = r#"("$@"; kill -KILL 0) & read -r _; kill -KILL 0"#;

/// A process that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process and all it starts, none of which outlives the test.
pub struct Group(Child);

impl Group {
    /// Starts a command with the folder, the environment and the arguments of `command`, and with these outputs.
    pub fn start(command: &Command, output: impl Into<Stdio>, errors: impl Into<Stdio>) -> Self {
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, "sh"]).arg(command.get_program()).args(command.get_args());
        guard.current_dir(command.get_current_dir().unwrap()).env_clear();
        guard.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        guard.process_group(0).stdin(Stdio::piped()).stdout(output).stderr(errors);
        Self(guard.spawn().unwrap())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// One request of HTTP/1.0, where the end of the connection is the end of the answer: status and body.
pub fn exchange(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
    receive(send(address, method, path, body)?)
}

/// The answer to [`send`]: status and body.
pub fn receive(mut connection: TcpStream) -> io::Result<(u16, String)> {
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(head);
    Ok((status, body.to_owned()))
}

/// Sends a request, and leaves the answer for later.
pub fn send(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<TcpStream> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let head = format!("{method} {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\n");
    write!(connection, "{head}content-length: {}\r\n\r\n{body}", body.len())?;
    Ok(connection)
}
