//! A project around a folder of Twilio Functions, which stays as it is.

use std::io;
use std::path::{Component, Path, PathBuf};

use jiff::tz::TimeZone;

use super::ProjectFile;
use super::account::ProjectAccount;
use crate::config::{Config, quote_text};
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::gateway::Gateway;
use crate::limits::FUNCTION_FILE_BYTES_MAX;
use crate::metrics::Metrics;
use crate::node::{Access, ProjectFolder, ProjectFunction};
use crate::read_limited::read_text_limited;
use crate::template::TemplateFolder;
use crate::tools::text::replace_control_chars;

/// A project around a folder of functions.
#[derive(Debug)]
pub(crate) struct FunctionsProject {
    pub(crate) files: Vec<ProjectFile>,
    /// What `check` will report about the functions.
    pub(crate) warnings: Problems,
    /// A function that answers calls, if one does.
    pub(crate) voice: Option<String>,
    /// A function that answers messages, if one does.
    pub(crate) message: Option<String>,
}

const HELP: &str = "a project of Twilio Functions has a folder `functions` (or `src`) with files \
                    like `hello.js`; nothing was written";

/// The files of a project in the folder `target` that runs the functions of the folder `source`,
/// which may be the same folder.
///
/// # Errors
/// The folder has no functions, or they cannot run here.
pub(crate) fn functions_project(
    source: &Path,
    target: &Path,
) -> Result<FunctionsProject, Problems> {
    // What is wrong with single files is reported by the gateway below.
    let project = ProjectFolder::read(source, false, &mut Vec::new());
    let project = project.map_err(|message| refuse(message, HELP))?;
    if project.functions.is_empty() {
        return Err(refuse(format!("`{}` has no functions", source.display()), HELP));
    }
    let target = absolute(target).map_err(|error| {
        let message = format!("cannot use the folder `{}`: {error}", target.display());
        refuse(message, "nothing was written")
    })?;
    let is_in_place = target == project.folder;
    let account = choose_account(&project, is_in_place)?;
    // Checked with the absolute folder: the relative one begins at a folder that may not exist.
    let text = config_text(&account, &project, &project.folder)?;
    let warnings = check(&text, &account, &target)?;
    let config = config_text(&account, &project, &relative(&target, &project.folder))?;
    let find = |word: &str| {
        let mut functions = callable(&project);
        functions.find(|function| mentions(function, word)).map(|found| found.path.clone())
    };
    Ok(FunctionsProject {
        warnings,
        voice: find("VoiceResponse"),
        message: find("MessagingResponse"),
        files: files(&account, config, is_in_place),
    })
}

fn refuse(message: String, help: &str) -> Problems {
    Problems::from(Problem::new(Severity::Error, message).help(help))
}

/// The account whose webhooks the functions answer. In place, `.env` is that of the functions, and
/// stays as it is.
fn choose_account(project: &ProjectFolder, is_in_place: bool) -> Result<ProjectAccount, Problems> {
    let known = ProjectAccount::of_variables(&project.env);
    let has_file = project.folder.join(".env").symlink_metadata().is_ok();
    match known {
        Some(account) if is_in_place => Ok(account),
        Some(account) => Ok(account.with_usual_names()),
        None if is_in_place && has_file => {
            let message = "`.env` has no account in `ACCOUNT_SID` and `AUTH_TOKEN`".to_owned();
            let help = "the carrier signs its webhooks with them: add both lines to `.env`, from \
                        the first page of the carrier's console; nothing was written";
            Err(refuse(message, help))
        }
        None if is_in_place => Ok(ProjectAccount::invent().with_function_names()),
        None => Ok(ProjectAccount::invent()),
    }
}

/// Reads the configuration as `check` does. Returns its warnings.
fn check(text: &str, account: &ProjectAccount, target: &Path) -> Result<Problems, Problems> {
    let source = Source::new("config.toml", text);
    let (config, mut problems) = Config::parse(&source, target, &|name| account.variable(name));
    let templates =
        TemplateFolder::compile(Path::new("templates"), Vec::new(), TimeZone::UTC, &mut problems);
    let metrics = Metrics::new();
    let gateway =
        config.and_then(|config| Gateway::build(config, &templates, &metrics, &mut problems));
    if gateway.is_some() { Ok(problems) } else { Err(problems) }
}

fn config_text(
    account: &ProjectAccount,
    project: &ProjectFolder,
    folder: &Path,
) -> Result<String, Problems> {
    let Some(folder) = folder.to_str() else {
        let message = format!("the path `{}` is not UTF-8", folder.display());
        return Err(refuse(message, "rename the folder; nothing was written"));
    };
    let mut paths = String::new();
    let width = callable(project).map(|function| function.path.len()).max().unwrap_or(0);
    for ProjectFunction { path, name, access, .. } in callable(project) {
        let note = if *access == Access::Protected { ", protected" } else { "" };
        // The name of a file may have a line break, and would end the comment.
        let name = replace_control_chars(name);
        paths += &format!("#   {path:width$}   {name}{note}\n");
    }
    let section = include_str!("project/config-functions.toml");
    let section = section.replace("{FOLDER}", &quote_text(folder)).replace("{PATHS}", &paths);
    Ok(account.config_text() + &section)
}

fn files(account: &ProjectAccount, config: String, is_in_place: bool) -> Vec<ProjectFile> {
    let example = account.env_example_text();
    let mut files = vec![
        ProjectFile::optional(".gitignore", include_str!("project/gitignore")),
        ProjectFile::optional("README.md", include_str!("project/README-functions.md")),
        ProjectFile::new("config.toml", config),
    ];
    if is_in_place {
        files.extend([
            ProjectFile::optional(".env", account.env_text()),
            ProjectFile::optional(".env.example", example),
        ]);
    } else {
        files.extend([
            ProjectFile::new(".env", account.env_text()),
            ProjectFile::new(".env.example", example),
        ]);
    }
    files
}

/// The functions that a URL may call.
fn callable(project: &ProjectFolder) -> impl Iterator<Item = &ProjectFunction> {
    project.functions.values().filter(|function| function.access != Access::Private)
}

/// Whether the code has a word.
fn mentions(function: &ProjectFunction, word: &str) -> bool {
    let text = read_text_limited(&function.file, FUNCTION_FILE_BYTES_MAX);
    text.is_ok_and(|text| text.contains(word))
}

/// The path of a folder that may not exist yet, without symbolic links.
fn absolute(folder: &Path) -> io::Result<PathBuf> {
    // That of `init` has no name.
    let folder = std::path::absolute(Path::new(".").join(folder))?;
    let mut missing = Vec::new();
    for above in folder.ancestors() {
        if above.symlink_metadata().is_ok() {
            let existing = above.canonicalize()?;
            return Ok(missing.iter().rev().fold(existing, |path, name| path.join(name)));
        }
        missing.extend(above.file_name());
    }
    Err(io::ErrorKind::NotFound.into())
}

/// The path from one folder to another; both are absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<_>) =
        (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from[common..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_from_one_folder_to_another() {
        for (from, to, path) in [
            ("/a/b", "/a/b", "."),
            ("/a/b", "/a/c", "../c"),
            ("/a/b/c", "/a", "../.."),
            ("/a", "/a/b/c", "b/c"),
            ("/a/x", "/b/y", "../../b/y"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(path), "{from} {to}");
        }
    }
}
