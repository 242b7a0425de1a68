//! Flow tests, run: each case on a gateway of its own in this process, in time that is pretended,
//! spread over the cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::timeout;

use super::case_mocks::CaseMocks;
use super::coverage::CoverageReport;
use super::failure::TestFailure;
use super::file::{FlowTestFile, TestCase};
use super::mocks::advice;
use super::script::{ScriptOutcome, follow};
use super::target::LoadedTarget;
use crate::clock;
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::flow::TransitionRecord;
use crate::function::MockTransport;
use crate::tools::phone::{Caller, InProcessGateway, Phone, PhoneEvent, WebhookClient};

/// What the names of flow tests end in.
pub const ENDING: &str = ".test.toml";

/// What came of all files.
#[derive(Debug, Default)]
pub struct TestReport {
    /// In the order of their names.
    pub files: Vec<FileReport>,
    /// What of the flows was gone through.
    pub coverage: CoverageReport,
    /// From the first file to the last case, in real time.
    pub took: Duration,
}

/// What came of one file.
#[derive(Debug)]
pub struct FileReport {
    /// Its path.
    pub path: PathBuf,
    /// Its cases; or why it cannot be run.
    pub cases: Result<Vec<CaseReport>, Problems>,
}

/// What came of one case.
#[derive(Debug)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// In real time.
    pub took: Duration,
    /// What was not as the test says; empty where it passed.
    pub failures: Vec<TestFailure>,
    taken: Vec<TransitionRecord>,
}

/// A file that can be run.
struct LoadedTestFile {
    file: FlowTestFile,
    subject: LoadedTarget,
    cases: Vec<TestCase>,
}

/// A case, and the number of its file.
type Job<'a> = (usize, &'a LoadedTestFile, &'a TestCase);

/// Longer than any conversation.
const ENDLESS: Duration = Duration::from_secs(30 * 365 * 24 * 3_600);

/// The flow tests at a path: the file itself, or all below a folder, in order.
///
/// # Errors
/// Where it cannot be read.
pub fn find(path: &Path) -> Result<Vec<PathBuf>, Problems> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        let message = format!("cannot read `{}`: {error}", path.display());
        Problems::from(Problem::new(Severity::Error, message))
    };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.strip_prefix(".").unwrap_or(path).to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        // A link to a folder above would never end.
        let folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if folder && !name.starts_with('.') {
            found.extend(find(&path)?);
        } else if name.ends_with(ENDING) {
            found.push(path.strip_prefix(".").unwrap_or(&path).to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// Runs the cases of these files, of those whose name or path holds `filter`.
pub fn run(paths: &[PathBuf], filter: Option<&str>) -> TestReport {
    let began = clock::now();
    let ready: Vec<Result<LoadedTestFile, Problems>> =
        paths.iter().map(|path| LoadedTestFile::read(path, filter)).collect();
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for (number, ready) in ready.iter().enumerate() {
        let Ok(ready) = ready else { continue };
        jobs.extend(ready.cases.iter().map(|case| (number, ready, case)));
    }
    let mut report = TestReport::default();
    let results = played(&jobs);
    let mut results = jobs.iter().map(|(number, ..)| *number).zip(results).peekable();
    for (number, (path, ready)) in paths.iter().zip(&ready).enumerate() {
        let mut cases = Vec::new();
        while let Some((_, case)) = results.next_if(|(of, _)| *of == number) {
            cases.push(case);
        }
        if let (Ok(LoadedTestFile { subject, .. }), false) = (ready, cases.is_empty()) {
            let taken = cases.iter().flat_map(|case| &case.taken);
            report.coverage.took(&subject.name, &subject.flow, taken);
        }
        let cases = ready.as_ref().map(|_| cases).map_err(Clone::clone);
        report.files.push(FileReport { path: path.clone(), cases });
    }
    report.took = clock::now().duration_since(began);
    report
}

/// Plays all cases on all cores; what came of them, in their order.
fn played(jobs: &[Job<'_>]) -> Vec<CaseReport> {
    let done: Mutex<Vec<(usize, CaseReport)>> = Mutex::new(Vec::with_capacity(jobs.len()));
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let work = || {
        let runtime = actix_web::rt::System::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((_, ready, case)) = jobs.get(number) else { break };
            let began = clock::now();
            let played = AssertUnwindSafe(|| runtime.block_on(play(ready, case)));
            let (failures, taken) = catch_unwind(played).unwrap_or_else(|_| {
                (vec![broken(ready, case, "the gateway panicked")], Vec::new())
            });
            let took = clock::now().duration_since(began);
            let report = CaseReport { name: case.name.clone(), took, failures, taken };
            done.lock().push((number, report));
        }
    };
    thread::scope(|scope| {
        (0..cores).for_each(|_| drop(scope.spawn(work)));
    });
    let mut done = done.into_inner();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, report)| report).collect()
}

/// What is nobody's mistake but ours.
fn broken(ready: &LoadedTestFile, case: &TestCase, what: &str) -> TestFailure {
    let problem = ready.file.source.error(case.span.clone(), format!("{what}, please report it"));
    TestFailure::plain(problem)
}

/// Plays one case: what failed, and which transitions were taken.
async fn play(
    ready: &LoadedTestFile,
    case: &TestCase,
) -> (Vec<TestFailure>, Vec<TransitionRecord>) {
    let _pretended = clock::pretend(case.at);
    let source = &ready.file.source;
    let Some(gateway) = ready.subject.gateway() else {
        let problem = source.error(case.span.clone(), "what it tests was changed meanwhile");
        return (vec![TestFailure::plain(problem)], Vec::new());
    };
    let mocks = Rc::new(CaseMocks::new(case, &ready.subject));
    let desk =
        InProcessGateway::new(gateway, Some(Rc::clone(&mocks) as Rc<dyn MockTransport>), true);
    let desk = Rc::new(desk);
    let mut caller = Caller::somebody(&case.from, &case.to);
    caller.parameters.clone_from(&case.params);
    if let Some(account) = desk.account() {
        account.clone_into(&mut caller.account);
    }
    let (line, number) = (WebhookClient::desk_alone(&desk), desk.number(&ready.subject.route));
    let mut phone = Phone::of(ready.subject.channel, line, number, caller);
    // Where nobody waits for anything any more, pretended time goes on to here at once.
    let Ok(followed) = timeout(ENDLESS, follow(&mut phone, source, case)).await else {
        return (vec![broken(ready, case, "the conversation does not go on")], Vec::new());
    };
    let ScriptOutcome { mut failures, heard } = followed;
    let ungiven = mocks.missing.borrow();
    if !ungiven.is_empty() {
        // What came of a function that nobody plays is nothing to expect from now on.
        failures.iter_mut().for_each(|failure| failure.edit = None);
    }
    for name in ungiven.iter() {
        let message = format!("`{name}` was asked, and nothing says what it answers");
        let problem = source.error(case.span.clone(), message);
        failures.insert(0, TestFailure::plain(problem.help(format!("add {}", advice(name)))));
    }
    let mut taken = Vec::new();
    for heard in heard {
        if let PhoneEvent::Webhook(asked) = heard {
            taken.extend(asked.trace.into_iter().flat_map(|trace| trace.transitions));
        }
    }
    (failures, taken)
}

// === impl Ready ===

impl LoadedTestFile {
    fn read(path: &Path, filter: Option<&str>) -> Result<LoadedTestFile, Problems> {
        let file = FlowTestFile::read(path)?;
        let subject = LoadedTarget::load(&file)?;
        let mut cases = file.cases.clone();
        let shown = path.display().to_string();
        cases.retain(|case| {
            filter.is_none_or(|filter| shown.contains(filter) || case.name.contains(filter))
        });
        Ok(LoadedTestFile { file, subject, cases })
    }
}

// === impl Report ===

impl TestReport {
    /// Cases that passed, cases that failed, and files that could not be run.
    pub fn counts(&self) -> (usize, usize, usize) {
        let cases = self.files.iter().filter_map(|file| file.cases.as_ref().ok()).flatten();
        let (passed, failed): (Vec<_>, Vec<_>) = cases.partition(|case| case.failures.is_empty());
        let broken = self.files.iter().filter(|file| file.cases.is_err()).count();
        (passed.len(), failed.len(), broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_ends_is_over_at_once() {
        actix_web::rt::System::new().block_on(async {
            let _pretended = clock::pretend(Duration::ZERO);
            assert!(timeout(ENDLESS, std::future::pending::<()>()).await.is_err());
        });
    }
}
