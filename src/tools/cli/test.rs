//! `twimlgate test`: flow tests, run.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::tools::flow_test::{self, FileReport, TestReport, find, junit, tree, updated};

const EXAMPLE: &str = r#"Example:
  cat > hotline.test.toml <<'END'
  flow = "hotline.json"

  [[case]]
  name = "A caller asks for the plan"
  given.lookup = { json = { plan = "gold" } }
  script = '''
  hear  Welcome …
  press 1
  hear  … plan is gold.
  ends  completed
  '''
  END
  twimlgate test hotline.test.toml

Functions answer what the file says under `given`; nothing goes to the network, and time is
pretended. docs/flow-tests.md has every key and every word of a script.

Exit code 0: all passed; 1: some failed; 2: a file cannot be read."#;

/// Run flow tests: files that say what a caller does and hears.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Flow tests, or folders: every `*.test.toml` below them.
    #[arg(required = true)]
    path: Vec<PathBuf>,
    /// Only cases whose name, or whose file's path, holds this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write the lines that fail anew, as they would have passed; read the difference like code.
    #[arg(long)]
    update: bool,
    /// Show which widgets and transitions were gone through, and which nobody tested.
    #[arg(long)]
    coverage: bool,
    /// Write a report for continuous integration, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs the tests. Exit 0: all passed; 1: some failed; 2: a file cannot be read or written.
pub(super) fn run(args: &Args) -> ExitCode {
    match tested(args) {
        Ok(code) => code,
        Err(problems) => {
            eprint!("{problems}");
            ExitCode::from(2)
        }
    }
}

fn tested(args: &Args) -> Result<ExitCode, Problems> {
    let mut paths = Vec::new();
    for path in &args.path {
        let found = find(path)?;
        if found.is_empty() {
            let message = format!("there is no flow test below `{}`", path.display());
            let problem = Problem::new(Severity::Error, message);
            return Err(problem.help("their names end in `.test.toml`").into());
        }
        paths.extend(found);
    }
    let report = run_tests(&paths, args)?;
    print!("{}", tree(&report, std::io::stdout().is_terminal()));
    if args.coverage {
        print!("\n{}", report.coverage);
    }
    if let Some(path) = &args.junit {
        let written = File::create(path).and_then(|file| {
            let mut file = BufWriter::new(file);
            junit(&report, &mut file)?;
            file.flush()
        });
        written.map_err(|error| failed(path, &error))?;
    }
    let (passed, failed, broken) = report.counts();
    if passed + failed + broken == 0 {
        let message = format!("no case holds `{}`", args.filter.as_deref().unwrap_or_default());
        return Err(Problem::new(Severity::Error, message).into());
    }
    Ok(match (failed, broken) {
        (0, 0) => ExitCode::SUCCESS,
        (_, 0) => ExitCode::FAILURE,
        _ => ExitCode::from(2),
    })
}

/// Runs them; with `--update` again after each change, for a line that is right now may let
/// another be reached.
fn run_tests(paths: &[PathBuf], args: &Args) -> Result<TestReport, Problems> {
    let report = run_filtered(paths, args);
    if !args.update {
        return Ok(report);
    }
    let mut lines = 0;
    for file in &report.files {
        lines += update(file)?;
    }
    if lines == 0 {
        return Ok(report);
    }
    println!("{lines} {} written anew\n", if lines == 1 { "line" } else { "lines" });
    Ok(run_filtered(paths, args))
}

fn run_filtered(paths: &[PathBuf], args: &Args) -> TestReport {
    flow_test::run(paths, args.filter.as_deref())
}

fn update(file: &FileReport) -> Result<usize, Problems> {
    let Ok(cases) = &file.cases else { return Ok(0) };
    let mut failures = cases.iter().flat_map(|case| &case.failures).peekable();
    let Some(first) = failures.peek() else { return Ok(0) };
    let Some(place) = &first.problem.place else { return Ok(0) };
    let (text, lines) = updated(&place.source.text, failures);
    if lines > 0 {
        std::fs::write(&file.path, text).map_err(|error| failed(&file.path, &error))?;
    }
    Ok(lines)
}

fn failed(path: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot write `{}`: {error}", path.display());
    Problems::from(Problem::new(Severity::Error, message))
}
