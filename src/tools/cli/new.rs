//! `twimlgate new` and `twimlgate init`: a project that runs at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::program::{command_name, quote_for_shell};
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::tools::new::{
    FunctionLanguage, functions_project, sample_project, studio_project, write_project,
};

/// Create a project that runs at once: configuration, flow, function, flow tests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  twimlgate new hotline
  twimlgate new hotline --function python
  twimlgate new support --from studio support.json
  twimlgate new gateway --from functions ../shop

`twimlgate init` does the same in the current folder. Neither replaces a file.")]
pub(super) struct Args {
    /// The folder of the project, which must not exist or be empty
    #[arg(value_name = "DIR", required_unless_present = "list")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Create a project in the current folder, as `twimlgate new` does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  twimlgate init --function none
  twimlgate init --from functions .")]
pub(super) struct InitArgs {
    #[command(flatten)]
    project: ProjectArgs,
}

#[derive(Debug, clap::Args)]
struct ProjectArgs {
    /// The function of the project
    #[arg(long, value_name = "LANGUAGE", default_value = "node", conflicts_with = "from")]
    function: FunctionLanguage,
    /// Begin with what exists: `--from studio FLOW.json`, `--from functions DIR`
    #[arg(long, num_args = 2, value_names = ["KIND", "PATH"])]
    from: Option<Vec<String>>,
    /// List what a project can begin with
    #[arg(long)]
    list: bool,
}

const KINDS: &str = "\
--function node         a menu and an answer to messages; the function is a JavaScript file (Node)
--function python       the same with a Python file
--function http         the same with a URL of your own
--function none         flows alone
--from studio FLOW      the routes and a test around a flow that Studio exported
--from functions DIR    a folder of Twilio Functions, which runs as it is and is not changed
";

/// What the project writes and must not be in version control: secrets, and what callers said.
const NEVER_COMMITTED: [&str; 2] = [".env", "twimlgate.db*"];

pub(super) fn run(args: &Args) -> ExitCode {
    match &args.folder {
        Some(folder) if !args.project.list => {
            finish(check_empty(folder).and_then(|()| create(folder, &args.project)))
        }
        _ => print_kinds(),
    }
}

pub(super) fn run_init(args: &InitArgs) -> ExitCode {
    if args.project.list {
        return print_kinds();
    }
    finish(create(Path::new(""), &args.project))
}

fn print_kinds() -> ExitCode {
    out!("{KINDS}");
    ExitCode::SUCCESS
}

fn finish(result: Result<(), Problems>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            err!("{problems}");
            ExitCode::from(2)
        }
    }
}

/// A folder with files is refused as a whole: a project among other files is `init`'s.
fn check_empty(folder: &Path) -> Result<(), Problems> {
    let problem = match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Ok(false) => Problem::new(Severity::Error, format!("`{}` has files", folder.display()))
            .help("nothing was written; name a new folder, or run `twimlgate init` in this one"),
        Err(error) => {
            let message = format!("cannot use the folder `{}`: {error}", folder.display());
            Problem::new(Severity::Error, message)
        }
    };
    Err(Problems::from(problem))
}

fn create(folder: &Path, args: &ProjectArgs) -> Result<(), Problems> {
    let mut warnings = Problems::default();
    let (files, try_command) = match args.from.as_deref() {
        None => (sample_project(args.function), "phone /voice".to_owned()),
        Some([kind, path]) if kind == "studio" => {
            let project = studio_project(Path::new(path))?;
            let command = match project.route {
                Some("/voice") => "phone /voice".to_owned(),
                Some(route) => format!("text {route}"),
                None => "check".to_owned(),
            };
            (project.files, command)
        }
        Some([kind, path]) if kind == "functions" => {
            let project = functions_project(Path::new(path), folder)?;
            warnings = project.warnings;
            let voice = project.voice.map(|path| format!("phone {}", quote_for_shell(&path)));
            let message = || project.message.map(|path| format!("text {}", quote_for_shell(&path)));
            (project.files, voice.or_else(message).unwrap_or_else(|| "check".to_owned()))
        }
        Some(other) => {
            let kind = other.first().map_or("", String::as_str);
            let message = format!("`--from {kind}` is not known");
            let help = "write `--from studio FLOW.json` or `--from functions DIR`; \
                        `twimlgate new --list` shows all";
            return Err(Problems::from(Problem::new(Severity::Error, message).help(help)));
        }
    };
    let skipped = write_project(folder, &files)?;
    err!("{warnings}");
    let written = files.iter().filter(|file| !skipped.contains(&file.path));
    for file in written {
        outln!("  {}", folder.join(&file.path).display());
    }
    for path in skipped {
        outln!("  {} exists, and stays as it is", path.display());
    }
    if let Some(missing) = missing_ignores(folder) {
        outln!("\nThe file .gitignore exists. Add to it: {missing}");
    }
    print_next_steps(folder, &try_command);
    Ok(())
}

/// What a `.gitignore` that was there before does not have of the project's one.
fn missing_ignores(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(".gitignore")).ok()?;
    let has =
        |pattern: &str| text.lines().any(|line| line.trim().trim_start_matches('/') == pattern);
    let missing: Vec<&str> = NEVER_COMMITTED.into_iter().filter(|it| !has(it)).collect();
    (!missing.is_empty()).then(|| missing.join(" "))
}

/// Three commands that work as they are typed.
fn print_next_steps(folder: &Path, try_command: &str) {
    let program = command_name();
    outln!("\nNext:\n");
    if !folder.as_os_str().is_empty() {
        outln!("  cd {}", quote_for_shell(&folder.display().to_string()));
    }
    outln!("  {program} dev");
    outln!("\nand in another terminal, in the same folder:\n");
    outln!("  {program} {try_command}");
    if folder.as_os_str().is_empty() && try_command != "check" {
        outln!("  {program} check");
    }
}
