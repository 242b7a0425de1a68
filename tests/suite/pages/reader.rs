//! The reader of a page: a folder with what the page assumes, a function, and applications.
//!
//! `tests/pages/PAGE` has the files of the reader beyond a fresh clone's `config.toml`, `templates`
//! and `examples/menu`; `before.sh` in it runs first. The reader of a page of `examples/` is in the
//! folder of that project. Addresses and system folders in files and
//! commands are replaced by those of the test, so that a page can say `127.0.0.1:9000` and `/etc`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use regex::Regex;

use super::{shell, shop};
use crate::phone::app::{App, reply};
use crate::support::rig::{SID, TOKEN};

pub(crate) struct Reader {
    pub(crate) folder: PathBuf,
    function: App,
    shop: App,
    gateway: Option<Gateway>,
}

/// `twimlgate serve` with the configuration of the reader.
struct Gateway {
    child: Child,
    address: String,
    admin: String,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Reader {
    pub(crate) fn new(page: &str) -> Reader {
        let name = page.replace('/', "-");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let reader = Reader { folder, function: function(), shop: shop::start(), gateway: None };
        for name in ["config.toml", "templates", "examples/menu"] {
            reader.copy(&root().join(name), name);
        }
        // The page of a project is read in the project.
        if let Some(project) =
            page.strip_suffix("README.md").filter(|_| page.starts_with("examples/"))
        {
            reader.copy(&root().join(project), "");
        }
        let own = root().join("tests/pages").join(page);
        if own.exists() {
            reader.copy(&own, "");
        }
        reader.certify();
        shell::install(&reader.folder);
        reader
    }

    /// Copies a file or a folder into that of the reader, with the addresses of the test.
    fn copy(&self, from: &Path, to: &str) {
        let to = self.folder.join(to);
        if from.is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            for entry in from.read_dir().unwrap() {
                let entry = entry.unwrap();
                let below = to.strip_prefix(&self.folder).unwrap().join(entry.file_name());
                self.copy(&entry.path(), below.to_str().unwrap());
            }
        } else {
            let text = std::fs::read_to_string(from).unwrap();
            std::fs::write(to, self.replace_in_file(&text)).unwrap();
        }
    }

    /// Writes a file of the reader.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.replace_in_file(text)).unwrap();
    }

    /// The certificate that a page names.
    fn certify(&self) {
        let names = vec!["phone.example.com".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = "etc/letsencrypt/live/phone.example.com";
        self.write(&format!("{folder}/fullchain.pem"), &made.cert.pem());
        self.write(&format!("{folder}/privkey.pem"), &made.signing_key.serialize_pem());
    }

    fn replace_in_file(&self, text: &str) -> String {
        let text = self.replace(text);
        // Several gateways run at the same time.
        text.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:9090", "127.0.0.1:0")
    }

    /// A text of the page with the addresses and the folders of the test.
    pub(crate) fn replace(&self, text: &str) -> String {
        let host = |app: &App| app.url("").replace("http://", "");
        let shop = host(&self.shop).replace("127.0.0.1", "localhost");
        let text = text.replace("127.0.0.1:9000", &host(&self.function));
        let text = text.replace("localhost:3000", &shop);
        let system = Regex::new(r#"(^|[\s='":])/(etc|tmp|usr|var)/"#).unwrap();
        let below = format!("${{1}}{}/$2/", self.folder.display());
        system.replace_all(&text, below).into_owned()
    }

    /// The same for a command, which may need a gateway that runs.
    pub(crate) fn replace_in_command(&mut self, text: &str) -> String {
        // One second of load shows the same.
        let text = self.replace(text).replace("--duration 10s", "--duration 1s");
        if !text.contains("http://127.0.0.1:8080") && !text.contains("http://127.0.0.1:9090") {
            return text;
        }
        let gateway = self.gateway.take().unwrap_or_else(|| Gateway::start(self));
        let text = text.replace("127.0.0.1:8080", &gateway.address);
        let text = text.replace("127.0.0.1:9090", &gateway.admin);
        self.gateway = Some(gateway);
        text
    }

    /// A program in the folder of the reader, with a reader's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear();
        command.env("TWILIO_ACCOUNT_SID", SID).env("TWILIO_AUTH_TOKEN", TOKEN);
        command
            .env("TWILIO_SHARED_KEY", "54321")
            .env("CRM_API_KEY", "s3cret")
            .env("REPOSITORY", root());
        command.env("TWIMLGATE", env!("CARGO_BIN_EXE_twimlgate"));
        command.env("PATH", self.folder.join(shell::PROGRAMS)).env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Gateway {
    fn start(reader: &Reader) -> Gateway {
        let mut command = reader.command(env!("CARGO_BIN_EXE_twimlgate"));
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        // A gateway whose log is not read waits.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let started = Regex::new(r"listening on ([\d.:]+), admin http://([\d.:]+)").unwrap();
        let found = started.captures(&line);
        let found = found.unwrap_or_else(|| panic!("{}: {line}", reader.folder.display()));
        Gateway { child, address: found[1].to_owned(), admin: found[2].to_owned() }
    }
}

/// The function at `127.0.0.1:9000`. What is asked of `/balance` takes longer than a caller waits.
fn function() -> App {
    App::start(|got| {
        if got.target == "/balance" {
            std::thread::park_timeout(std::time::Duration::from_millis(1500));
        }
        let body = r#"{"plan": "gold", "balance": 42, "person": {"name": "Ada"}}"#;
        reply("200 OK", "Content-Type: application/json\r\n", body)
    })
}
