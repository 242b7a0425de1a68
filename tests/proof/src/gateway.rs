//! The gateway as it is released: a process that can be killed and started again.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::campaign::Context;
use crate::carrier::{PUBLIC_URL, SID, TOKEN};
use crate::rng::Rng;

/// A gateway on a fixed port, with a folder of its own.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) folder: PathBuf,
    binary: PathBuf,
    child: Option<Child>,
}

/// How it is set up.
pub(crate) struct Setup {
    /// `[store] url`.
    pub(crate) store: &'static str,
    pub(crate) workers: usize,
    /// Where the flows' function is.
    pub(crate) function: SocketAddr,
}

/// How long a start may take on a machine that has other things to do.
const START_WITHIN: Duration = Duration::from_secs(20);

impl Gateway {
    /// Writes all that it needs into `name`, a fresh folder of the campaign; it is not started.
    pub(crate) fn new(context: &Context, name: &str, setup: &Setup) -> Result<Gateway, String> {
        let folder = context.folder.join(name);
        let _ = fs::remove_dir_all(&folder);
        let told = |error: io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder.join("templates")).map_err(told)?;
        for flow in ["call.toml", "chat.toml"] {
            fs::copy(context.flows.join(flow), folder.join(flow)).map_err(told)?;
        }
        // As the kernel names it, for whoever looks at its files by their paths.
        let folder = folder.canonicalize().map_err(told)?;
        let mut rng = Rng::new(context.seed, u64::from(std::process::id()));
        let (address, admin) = (free_address(&mut rng)?, free_address(&mut rng)?);
        let Setup { store, workers, function } = setup;
        let config = format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"{PUBLIC_URL}\"\n\
             workers = {workers}\n[admin]\nlisten = \"{admin}\"\n[log]\nformat = \"json\"\n\
             [store]\nurl = \"{store}\"\n\
             [[account]]\nsid = \"{SID}\"\nauth_tokens = [\"{TOKEN}\"]\n\
             api_url = \"http://{function}\"\n\
             [[rewrite]]\nfrom = \"https://proof-1234.twil.io\"\nto = \"http://{function}\"\n\
             [route.\"/call\"]\nchannel = \"voice\"\nflow = \"call.toml\"\n\
             [route.\"/chat\"]\nchannel = \"message\"\nflow = \"chat.toml\"\n"
        );
        fs::write(folder.join("config.toml"), config).map_err(told)?;
        Ok(Gateway { address, admin, folder, binary: context.binary.clone(), child: None })
    }

    /// Changes its configuration, for what only one campaign needs.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(String) -> String) -> Result<(), String> {
        let file = self.folder.join("config.toml");
        let config = fs::read_to_string(&file).map_err(|error| error.to_string())?;
        fs::write(file, change(config)).map_err(|error| error.to_string())
    }

    /// Starts it, and does not wait.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.start_under(&[])
    }

    /// The same below another program: `strace` and its arguments, perhaps.
    pub(crate) fn start_under(&mut self, program: &[String]) -> Result<(), String> {
        let binary = self.binary.to_string_lossy().into_owned();
        let words: Vec<&str> = program.iter().map(String::as_str).chain([&*binary]).collect();
        let errors = File::create(self.folder.join("errors")).map_err(|e| e.to_string())?;
        let log = File::create(self.folder.join("log")).map_err(|e| e.to_string())?;
        let child = Command::new(words[0])
            .args(&words[1..])
            .arg("serve")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn();
        self.child = Some(child.map_err(|error| format!("`{}`: {error}", words[0]))?);
        Ok(())
    }

    /// What it has written to its log since it was started.
    pub(crate) fn log(&self) -> io::Result<String> {
        fs::read_to_string(self.folder.join("log"))
    }

    /// Waits until it takes connections. `false` where it was killed before that.
    ///
    /// # Errors
    /// Where it ended by itself, or never came up: what it said.
    pub(crate) fn ready(&mut self) -> Result<bool, String> {
        for _ in 0..START_WITHIN.as_millis() / 2 {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(true);
            }
            match self.ended() {
                Some(status) if killed(status) => return Ok(false),
                Some(status) => return Err(format!("it ended, {status}: {}", self.errors())),
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
        Err(format!("it did not come up: {}", self.errors()))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().ok().flatten()
    }

    /// What it has said on standard error.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(self.folder.join("errors")).unwrap_or_default()
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// Where it had ended before, and was not killed.
    pub(crate) fn kill(&mut self) -> Result<(), String> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let _ = child.kill();
        match child.wait() {
            Ok(status) if killed(status) => Ok(()),
            Ok(status) => Err(format!("it had ended by itself, {status}: {}", self.errors())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asks it to end, and waits until it has done so, as it should.
    pub(crate) fn terminate(&mut self) -> Result<(), String> {
        let Some(pid) = self.pid() else { return Ok(()) };
        let told = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
        told.map_err(|error| format!("`kill`: {error}"))?;
        for _ in 0..START_WITHIN.as_millis() / 2 {
            match self.ended() {
                Some(status) if status.success() => {
                    self.child = None;
                    return Ok(());
                }
                Some(status) => return Err(format!("it ended, {status}: {}", self.errors())),
                None => thread::sleep(Duration::from_millis(2)),
            }
        }
        Err("it does not end".to_owned())
    }

    /// Its process; what traces it is another one.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Whether there is `strace`, to start a gateway below it.
pub(crate) fn can_trace() -> bool {
    Command::new("strace").arg("-V").output().is_ok()
}

/// By signal 9; `strace` ends the way that its program did.
fn killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

/// A port below those that outgoing connections get: one of these could take it while the gateway
/// is down.
fn free_address(rng: &mut Rng) -> Result<SocketAddr, String> {
    for _ in 0..100 {
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + rng.below(20_000) as u16));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err("no free port".to_owned())
}
