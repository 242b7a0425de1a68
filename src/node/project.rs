//! A project of Twilio Functions: which files are functions and assets, on which paths.
//!
//! The rules are those of `twilio-run`: `functions/` or else `src/`, `assets/` or else `static/`;
//! the file's path without its extension (a function) or with it (an asset); `.protected` and
//! `.private` before the extension say who may use it; white space in a name becomes `-`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostics::problem::{Problem, Severity};
use crate::dotenv::{DotenvFile, SHARP_IN_VALUE};
use crate::limits::{DOTENV_BYTES_MAX, PROJECT_DEPTH_MAX, PROJECT_FILES_MAX};
use crate::read_limited::read_text_limited;

const FUNCTION_FOLDERS: [&str; 2] = ["functions", "src"];
const ASSET_FOLDERS: [&str; 2] = ["assets", "static"];

/// The endings of a function. The last three are TypeScript.
const FUNCTION_ENDINGS: [&str; 6] = ["js", "cjs", "mjs", "ts", "cts", "mts"];

/// The functions and assets of a project.
#[derive(Clone, Debug, Default)]
pub struct ProjectFolder {
    /// The folder, absolute and without symbolic links.
    pub folder: PathBuf,
    /// The functions, by path.
    pub functions: BTreeMap<String, ProjectFunction>,
    /// The assets, by path.
    pub assets: BTreeMap<String, ProjectAsset>,
    /// The variables of `.env`.
    pub env: Vec<(String, String)>,
    /// Whether the package `twilio` is installed.
    pub has_twilio: bool,
}

/// A function of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFunction {
    /// The path of its URL: `/lookup`.
    pub path: String,
    /// The file, absolute.
    pub file: PathBuf,
    /// The file as a user names it, relative to the project: `functions/lookup.protected.js`.
    pub name: String,
    /// Who may call it.
    pub access: Access,
}

/// A file of a project that is served as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectAsset {
    /// The path of its URL: `/hello.mp3`.
    pub path: String,
    /// The file, absolute.
    pub file: PathBuf,
    /// Who may read it.
    pub access: Access,
}

/// Who may use a function or an asset by its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone, at Twilio.
    Public,
    /// The carrier: the request has a valid signature.
    Protected,
    /// No request. Functions use it, by `Runtime.getFunctions()` and `Runtime.getAssets()`.
    Private,
}

/// A file that was found below a folder.
struct FoundFile {
    /// Relative to the project, with `/`.
    name: String,
    file: PathBuf,
}

/// Collects the files of a project.
struct FileWalk<'a> {
    project: &'a Path,
    files: Vec<FoundFile>,
    problems: &'a mut Vec<Problem>,
}

// === impl ProjectFolder ===

impl ProjectFolder {
    /// Reads a folder. Files that cannot be used are reported as warnings, and the others serve.
    /// `beside_config`: the mistakes of `.env` were reported with the configuration.
    ///
    /// # Errors
    /// The folder is not a project. The text is a sentence for a problem.
    pub fn read(
        folder: &Path,
        beside_config: bool,
        problems: &mut Vec<Problem>,
    ) -> Result<ProjectFolder, String> {
        let shown = folder.display();
        let absolute =
            folder.canonicalize().map_err(|error| format!("cannot read `{shown}`: {error}"))?;
        let mut project = ProjectFolder { folder: absolute, ..ProjectFolder::default() };
        let functions = project.existing(FUNCTION_FOLDERS);
        let assets = project.existing(ASSET_FOLDERS);
        if functions.is_none() && assets.is_none() {
            return Err(format!(
                "`{shown}` has neither `functions/` (or `src/`) nor `assets/` (or `static/`)"
            ));
        }
        let base = project.folder.clone();
        let mut find = |folder: Option<&'static str>| {
            let mut walk = FileWalk { project: &base, files: Vec::new(), problems };
            folder.into_iter().for_each(|name| walk.enter(&base.join(name), name, 0));
            walk.files.sort_by(|a, b| a.name.cmp(&b.name));
            walk.files
        };
        let (functions, assets) = (find(functions), find(assets));
        functions.into_iter().for_each(|found| project.add_function(found, problems));
        assets.into_iter().for_each(|found| project.add_asset(found, problems));
        project.has_twilio = has_package(&project.folder, "twilio");
        project.read_dotenv(beside_config, problems);
        Ok(project)
    }

    fn existing(&self, names: [&'static str; 2]) -> Option<&'static str> {
        names.into_iter().find(|name| self.folder.join(name).is_dir())
    }

    /// The function of a file, as the configuration names it: `functions/lookup.js`.
    pub(crate) fn function_of_file(&self, name: &str) -> Option<&ProjectFunction> {
        let name = name.strip_prefix("./").unwrap_or(name);
        self.functions.values().find(|function| function.name == name)
    }

    /// Whether it has a function or an asset.
    pub(crate) fn has_files(&self) -> bool {
        !self.functions.is_empty() || !self.assets.is_empty()
    }

    /// The function of a path: `/menu` is `menu/index.js` where there is no `menu.js`.
    pub(crate) fn function_at(&self, path: &str) -> Option<&ProjectFunction> {
        let index = || self.functions.get(&format!("{}/index", path.trim_end_matches('/')));
        self.functions.get(path).or_else(index)
    }

    /// Whether a path is one of a function that a URL may call.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        let is_callable = |function: &ProjectFunction| function.access != Access::Private;
        self.function_at(path).is_some_and(is_callable)
    }

    fn add_function(&mut self, found: FoundFile, problems: &mut Vec<Problem>) {
        let name = &found.name;
        let Some((stem, ending)) = name.rsplit_once('.') else { return };
        let is_declaration = stem.ends_with(".d") && ending.ends_with("ts");
        if !FUNCTION_ENDINGS.contains(&ending) || is_declaration {
            return;
        }
        let (stem, access) = split_access(stem);
        let path = url_path(stem);
        if !is_usable(&path) {
            let message = format!("`{name}` cannot be a function: `{path}` is not a path");
            let help = "use letters, digits, `-`, `_` and `.` in its name";
            problems.push(Problem::new(Severity::Warning, message).help(help));
            return;
        }
        let function =
            ProjectFunction { path: path.clone(), file: found.file, name: found.name, access };
        match self.functions.get(&path) {
            Some(other) => {
                // Which of them is meant is not known, and one may be private.
                let message = format!(
                    "`{}` and `{}` are both `{path}`: the first one is used",
                    other.name, function.name
                );
                let help = "remove or rename one of them";
                problems.push(Problem::new(Severity::Warning, message).help(help));
                if function.access.is_stricter(other.access) {
                    let access = function.access;
                    self.functions.entry(path).and_modify(|other| other.access = access);
                }
            }
            None => {
                self.functions.insert(path, function);
            }
        }
    }

    fn add_asset(&mut self, found: FoundFile, problems: &mut Vec<Problem>) {
        let (folder, file) = found.name.rsplit_once('/').unwrap_or(("", &found.name));
        let (stem, ending) = match file.rfind('.') {
            Some(at) => file.split_at(at),
            None => (file, ""),
        };
        let (stem, access) = split_access(stem);
        let path = url_path(&format!("{folder}/{stem}{ending}"));
        if let Some(function) = self.functions.get(&path) {
            let message = format!(
                "`{}` and `{}` are both `{path}`: the function answers",
                function.name, found.name
            );
            let help = "remove or rename one of them";
            problems.push(Problem::new(Severity::Warning, message).help(help));
            return;
        }
        let asset = ProjectAsset { path: path.clone(), file: found.file, access };
        match self.assets.get_mut(&path) {
            Some(other) if access.is_stricter(other.access) => *other = asset,
            Some(_) => {}
            None => {
                self.assets.insert(path, asset);
            }
        }
    }

    fn read_dotenv(&mut self, beside_config: bool, problems: &mut Vec<Problem>) {
        let file = self.folder.join(".env");
        match read_text_limited(&file, DOTENV_BYTES_MAX) {
            Ok(text) => {
                let parsed = DotenvFile::parse_project(&text);
                let source = parsed.redacted_source(&file.display().to_string());
                let is_new = |message: &str| !beside_config || message == SHARP_IN_VALUE;
                for (place, message) in parsed.mistakes.iter().filter(|it| is_new(it.1)) {
                    let problem = source.warning(place.clone(), *message);
                    problems.push(problem.expected("`NAME=value`, or `NAME=\"value\"`"));
                }
                self.env = parsed.variables;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", file.display());
                problems.push(Problem::new(Severity::Warning, message));
            }
        }
    }
}

// === impl Access ===

impl Access {
    fn is_stricter(self, other: Access) -> bool {
        let rank = |access| match access {
            Access::Public => 0,
            Access::Protected => 1,
            Access::Private => 2,
        };
        rank(self) > rank(other)
    }
}

// === impl FileWalk ===

impl FileWalk<'_> {
    fn enter(&mut self, folder: &Path, name: &str, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.warn(format!("cannot read `{name}`: {error}"), ""),
        };
        for entry in entries.flatten() {
            let file_name = entry.file_name();
            let Some(file_name) = file_name.to_str() else {
                let shown = file_name.to_string_lossy();
                self.warn(format!("`{name}/{shown}` is left out: its name is not UTF-8"), "");
                continue;
            };
            // `.DS_Store`, `.gitkeep`. Folders of this name are public by their nature (RFC 8615).
            if !file_name.starts_with('.') || file_name == ".well-known" {
                self.add(&entry.path(), format!("{name}/{file_name}"), depth);
            }
        }
    }

    fn add(&mut self, path: &Path, name: String, depth: usize) {
        let file = match path.canonicalize() {
            Ok(file) => file,
            Err(error) => return self.warn(format!("cannot read `{name}`: {error}"), ""),
        };
        if !file.starts_with(self.project) {
            let help = "copy the file into the project";
            return self.warn(
                format!("`{name}` is left out: it is a link to a file outside the project"),
                help,
            );
        }
        if file.is_dir() {
            if depth == PROJECT_DEPTH_MAX {
                let message = format!("`{name}` is left out: folders nest {depth} deep at most");
                return self.warn(message, "does a link lead back into the project?");
            }
            return self.enter(&file, &name, depth + 1);
        }
        if !file.is_file() {
            return self.warn(format!("`{name}` is left out: it is not a file"), "");
        }
        match self.files.len() {
            PROJECT_FILES_MAX => self.warn(
                format!(
                    "`{name}` is left out, as is what follows: the limit is {PROJECT_FILES_MAX} \
                     files"
                ),
                "",
            ),
            // The warning was given.
            count if count > PROJECT_FILES_MAX => {}
            _ => self.files.push(FoundFile { name, file }),
        }
    }

    fn warn(&mut self, message: String, help: &str) {
        self.problems.push(Problem::new(Severity::Warning, message).help(help));
    }
}

/// The name without `.protected` or `.private`, and what it says.
fn split_access(stem: &str) -> (&str, Access) {
    for (ending, access) in [(".protected", Access::Protected), (".private", Access::Private)] {
        if let Some(stem) = stem.strip_suffix(ending) {
            return (stem, access);
        }
    }
    (stem, Access::Public)
}

/// The path of a name relative to the project, whose first part is `functions` or the like.
fn url_path(name: &str) -> String {
    let path = name.find('/').map_or(name, |at| &name[at..]);
    path.chars().map(|c| if c.is_whitespace() { '-' } else { c }).collect()
}

/// Whether a path can be in a request line without escapes.
fn is_usable(path: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(c);
    path.len() > 1 && path.chars().all(is_letter)
}

/// Whether `require` finds a package from a folder: in its `node_modules`, or in one above.
fn has_package(folder: &Path, name: &str) -> bool {
    let is_there =
        |above: &Path| above.join("node_modules").join(name).join("package.json").is_file();
    folder.ancestors().any(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_twilio_run_reads_them() {
        for (name, path, access) in [
            ("functions/hello", "/hello", Access::Public),
            ("functions/a b/c d.protected", "/a-b/c-d", Access::Protected),
            ("src/index.private", "/index", Access::Private),
            ("functions/x.private.protected", "/x.private", Access::Protected),
            ("functions/v1.2", "/v1.2", Access::Public),
        ] {
            let (stem, found) = split_access(name);
            assert_eq!((url_path(stem).as_str(), found), (path, access), "{name}");
        }
    }

    #[test]
    fn paths_that_a_request_can_have() {
        for path in ["/a", "/a/b.c", "/~x_y-z"] {
            assert!(is_usable(path), "{path}");
        }
        for path in ["/", "", "/hällo", "/a?b", "/a#b", "/a%20b", "/a\"b"] {
            assert!(!is_usable(path), "{path}");
        }
    }
}
