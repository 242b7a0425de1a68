//! `twimlgate new` and `twimlgate init`: a project that runs at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::program::{command_name, quote_for_shell};
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::tools::new::{FunctionLanguage, sample_project, studio_project, write_project};

/// Create a project that runs at once: configuration, flow, function, flow tests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  twimlgate new hotline
  twimlgate new hotline --function python
  twimlgate new support --from studio support.json

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
#[command(after_help = "Example:  twimlgate init --function none")]
pub(super) struct InitArgs {
    #[command(flatten)]
    project: ProjectArgs,
}

#[derive(Debug, clap::Args)]
struct ProjectArgs {
    /// The function of the project
    #[arg(long, value_name = "LANGUAGE", default_value = "node", conflicts_with = "from")]
    function: FunctionLanguage,
    /// Begin with what exists: `--from studio FLOW.json`
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
";

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
    let (files, route) = match args.from.as_deref() {
        None => (sample_project(args.function), Some("/voice")),
        Some([kind, path]) if kind == "studio" => {
            let project = studio_project(Path::new(path))?;
            (project.files, project.route)
        }
        Some(other) => {
            let kind = other.first().map_or("", String::as_str);
            let message = format!("`--from {kind}` is not known");
            let help = "write `--from studio FLOW.json`; `twimlgate new --list` shows all";
            return Err(Problems::from(Problem::new(Severity::Error, message).help(help)));
        }
    };
    let skipped = write_project(folder, &files)?;
    let written = files.iter().filter(|file| !skipped.contains(&file.path));
    for file in written {
        outln!("  {}", folder.join(&file.path).display());
    }
    for path in skipped {
        outln!("  {} exists, and stays as it is", path.display());
    }
    print_next_steps(folder, route);
    Ok(())
}

/// Three commands that work as they are typed.
fn print_next_steps(folder: &Path, route: Option<&str>) {
    let program = command_name();
    outln!("\nNext:\n");
    if !folder.as_os_str().is_empty() {
        outln!("  cd {}", quote_for_shell(&folder.display().to_string()));
    }
    outln!("  {program} dev");
    outln!("\nand in another terminal, in the same folder:\n");
    match route {
        Some("/voice") => outln!("  {program} phone /voice"),
        Some(route) => outln!("  {program} text {route}"),
        None => outln!("  {program} check"),
    }
}
