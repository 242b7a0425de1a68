//! A tunnel program, which gives the gateway a public URL.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::process::{ChildProgram, ProgramOutput};

/// The time in which a tunnel program must print its URL.
const OPEN_WITHIN: Duration = Duration::from_secs(30);

/// The lines of its output that an error quotes.
const QUOTED_LINES: usize = 5;

/// The programs that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TunnelProgram {
    /// Cloudflare's quick tunnel, without an account
    Cloudflared,
    /// ngrok, with the account that it is configured with
    Ngrok,
}

/// An open tunnel. It closes with this value.
#[derive(Debug)]
pub(crate) struct Tunnel {
    /// Scheme and host, without a slash at the end.
    pub(crate) public_url: String,
    program: ChildProgram,
}

impl Tunnel {
    /// Closes it, and waits until its program has ended.
    pub(crate) async fn close(self) {
        self.program.end().await;
    }

    /// Reads what the program prints, so that it never waits for a reader, until it has ended.
    pub(crate) async fn wait_until_closed(&mut self) {
        while self.program.next_output().await != ProgramOutput::End {}
    }
}

impl TunnelProgram {
    fn name(self) -> &'static str {
        match self {
            TunnelProgram::Cloudflared => "cloudflared",
            TunnelProgram::Ngrok => "ngrok",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            TunnelProgram::Cloudflared => {
                "install it from https://github.com/cloudflare/cloudflared/releases"
            }
            TunnelProgram::Ngrok => {
                "install it from https://ngrok.com/download and run `ngrok config add-authtoken …`"
            }
        }
    }

    fn command(self, address: SocketAddr) -> Command {
        let mut command = Command::new(self.name());
        match self {
            TunnelProgram::Cloudflared => {
                command.args(["tunnel", "--no-autoupdate", "--url", &format!("http://{address}")])
            }
            TunnelProgram::Ngrok => {
                let address = address.to_string();
                command.args(["http", &address, "--log", "stdout", "--log-format", "logfmt"])
            }
        };
        command
    }

    /// Starts the program, and waits until it has printed its public URL.
    ///
    /// # Errors
    /// A text that says what to do: the program is missing, has ended, or printed no URL in 30 s.
    pub(crate) async fn open(self, address: SocketAddr) -> Result<Tunnel, String> {
        let name = self.name();
        let mut program =
            ChildProgram::start(self.command(address)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => format!("`{name}` is not installed: {}", self.advice()),
                _ => format!("cannot start `{name}`: {error}"),
            })?;
        let mut lines = Vec::new();
        let find = async {
            while let ProgramOutput::Line(line) = program.next_output().await {
                if let Some(url) = self.find_url(&line) {
                    return Some(url);
                }
                lines.push(line);
            }
            None
        };
        match timeout(OPEN_WITHIN, find).await {
            Ok(Some(public_url)) => Ok(Tunnel { public_url, program }),
            Ok(None) => {
                let last = lines.split_off(lines.len().saturating_sub(QUOTED_LINES)).join("\n  ");
                Err(format!("`{name}` ended without a URL. It said:\n  {last}"))
            }
            Err(_) => Err(format!("`{name}` has not printed a URL within 30 s")),
        }
    }

    /// The public URL in a line of the program's output.
    fn find_url(self, line: &str) -> Option<String> {
        let begin = match self {
            TunnelProgram::Cloudflared => line.find("https://")?,
            // The field `url` of the line that says that the tunnel has started.
            TunnelProgram::Ngrok => line.find("url=https://")? + "url=".len(),
        };
        let end = |char: char| !(char.is_ascii_alphanumeric() || ".-:/".contains(char));
        let url = &line[begin..];
        let url = url[..url.find(end).unwrap_or(url.len())].trim_end_matches('/');
        let host = url.strip_prefix("https://")?;
        // cloudflared also prints the addresses of its terms and of its API.
        let is_tunnel = self != TunnelProgram::Cloudflared
            || host.ends_with(".trycloudflare.com") && host != "api.trycloudflare.com";
        (is_tunnel && !host.is_empty() && !host.contains('/')).then(|| url.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_what_the_programs_print() {
        let lines = [
            (
                TunnelProgram::Cloudflared,
                "2026-11-30T09:00:00Z INF |  https://a-b-c.trycloudflare.com      |",
                Some("https://a-b-c.trycloudflare.com"),
            ),
            (
                TunnelProgram::Cloudflared,
                "INF Thank you … https://developers.cloudflare.com/cloudflare-one/",
                None,
            ),
            (
                TunnelProgram::Cloudflared,
                "ERR failed to request https://api.trycloudflare.com/tunnel",
                None,
            ),
            (
                TunnelProgram::Ngrok,
                "t=2026-11-30 lvl=info msg=\"started tunnel\" addr=http://127.0.0.1:8080 url=https://a1b2.ngrok-free.app",
                Some("https://a1b2.ngrok-free.app"),
            ),
            (
                TunnelProgram::Ngrok,
                "t=2026-11-30 lvl=info msg=\"starting web service\" addr=127.0.0.1:4040",
                None,
            ),
        ];
        for (program, line, url) in lines {
            assert_eq!(program.find_url(line).as_deref(), url, "{line}");
        }
    }
}
