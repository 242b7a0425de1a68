//! The programs of a page in JavaScript and Python: run by Node and Python where they are
//! installed, and called by the gateway.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::markdown::Block;
use super::reader::{Reader, root};
use super::shell;

/// A port of the system's choice instead of the one in the page; it is printed.
const NODE_PORT: &str = "\
const { Server } = require('net');
const listen = Server.prototype.listen;
Server.prototype.listen = function () {
  return listen.call(this, 0, '127.0.0.1', () => console.log(this.address().port));
};
";
const PYTHON_PORT: &str = "\
import socketserver, sys
bind = socketserver.TCPServer.server_bind
def any_port(self):
    self.server_address = ('127.0.0.1', 0)
    bind(self)
    print(self.server_address[1], flush=True)
socketserver.TCPServer.server_bind = any_port
exec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'))
";

/// What a client of Studio's REST in the page assumes.
const CLIENT: [(&str, &str); 2] = [
    ("js", "const sid = process.env.TWILIO_ACCOUNT_SID, token = process.env.TWILIO_AUTH_TOKEN;\n"),
    (
        "python",
        "import os\n\
         sid, token = os.environ['TWILIO_ACCOUNT_SID'], os.environ['TWILIO_AUTH_TOKEN']\n",
    ),
];

/// A running program; it ends with the block.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The interpreter of a language, unless it is not installed. Says so once.
fn interpreter(language: &str) -> Option<Command> {
    let name = if language == "js" { "node" } else { "python3" };
    let runs = |name: &str| {
        let output = Command::new(name).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    if runs(name) {
        return Some(Command::new(name));
    }
    println!("skipped: programs in {language}: `{name}` is not installed");
    None
}

/// A function serves both routes of the shipped configuration, with the shipped templates.
pub(crate) fn check_function(reader: &mut Reader, block: &Block) -> Result<(), String> {
    let Some(mut command) = interpreter(&block.language) else { return Ok(()) };
    let write = |name: &str, text: &str| std::fs::write(reader.folder.join(name), text).unwrap();
    write("page-function", &block.text);
    write("port.js", NODE_PORT);
    write("port.py", PYTHON_PORT);
    let before: &[&str] =
        if block.language == "js" { &["--require", "./port.js"] } else { &["port.py"] };
    command.args(before).arg("page-function").current_dir(&reader.folder);
    let mut running =
        Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut port = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let shipped = std::fs::read_to_string(root().join("config.toml")).unwrap();
    let config = shipped.replace("127.0.0.1:9000", &format!("127.0.0.1:{}", port.trim()));
    std::fs::write(reader.folder.join("shipped.toml"), config).unwrap();
    for (command, typed, heard) in [
        ("phone /voice", "", "\n  Hello Ada. Thank you for your call.\n"),
        (
            "text /sms",
            "What's up? <3 & more\n",
            "\n< Hello Ada, you wrote \"What's up? <3 & more\"",
        ),
    ] {
        let command = format!("twimlgate {command} --config shipped.toml --from +15550100");
        let ran = shell::run(reader, &command, typed)?;
        if ran.code != Some(0) || !ran.printed.contains(heard) {
            return Err(format!("{command} does not print {heard:?}:\n{}", ran.printed));
        }
    }
    Ok(())
}

/// A client of Studio's REST: it is read, and begins an execution where its package is installed.
pub(crate) fn check_client(reader: &mut Reader, block: &Block) -> Result<(), String> {
    let Some(mut command) = interpreter(&block.language) else { return Ok(()) };
    let prelude = CLIENT.iter().find(|(language, _)| *language == block.language).unwrap().1;
    let program = reader.replace_in_command(&format!("{prelude}{}", block.text));
    let file = reader.folder.join("page-client.js");
    std::fs::write(&file, program).unwrap();
    let check = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
    match &*block.language {
        "js" => command.arg("--check"),
        _ => command.args(["-c", check]),
    };
    end(command.arg(&file))?;
    // Where `tests/differential/studio/run` installs both packages.
    let packages = root().join("target/differential/studio");
    let Some(mut command) = client(&block.language, &packages) else {
        println!("not called: {} at {}: no package `twilio`", block.language, packages.display());
        return Ok(());
    };
    let environment = reader.command("env");
    command.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = std::env::var_os("PATH").unwrap_or_default();
    end(command.arg(&file).env("PATH", path).env("NODE_PATH", packages.join("node_modules")))
}

/// The interpreter that finds the package.
fn client(language: &str, packages: &Path) -> Option<Command> {
    if language == "js" {
        packages.join("node_modules/twilio").exists().then(|| Command::new("node"))
    } else {
        packages
            .join("venv/installed")
            .exists()
            .then(|| Command::new(packages.join("venv/bin/python")))
    }
}

fn end(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(()) } else { Err(printed) }
}
