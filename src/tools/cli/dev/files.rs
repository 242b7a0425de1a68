//! The files of a gateway that is being written: which are watched, and who reads them.

use std::path::{Path, PathBuf};

use crate::config::Config;

/// The folders of a project of Twilio Functions.
const PROJECT_FOLDERS: [&str; 4] = ["functions", "src", "assets", "static"];

/// What a function may read besides: modules, data and variables, anywhere in its project.
const MODULE_ENDINGS: [&str; 8] = [".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".json", ".env"];

/// Whether a file belongs to the folder of Twilio Functions, which the gateway itself runs.
pub(super) fn is_project_file(config: &Config, path: &Path) -> bool {
    let Some(folder) = project_folder(config) else { return false };
    let folder = folder.strip_prefix(".").unwrap_or(&folder);
    let Ok(rest) = path.strip_prefix(folder) else { return false };
    let first = rest.components().next().map(|first| first.as_os_str().to_string_lossy());
    first.is_some_and(|first| PROJECT_FOLDERS.contains(&&*first))
        || has_ending(rest, &MODULE_ENDINGS)
}

fn project_folder(config: &Config) -> Option<PathBuf> {
    config.project.folder.as_ref().map(|folder| config.folder.join(&folder.text))
}

/// The files of the configured flows.
pub(super) fn flow_files(config: &Config) -> impl Iterator<Item = PathBuf> {
    let of_routes = config.routes.values().filter_map(|route| route.answer.flow_file());
    let named = config.flows.values().map(|flow| &flow.file);
    of_routes.chain(named).map(|file| config.folder.join(&file.text))
}

/// The folder of the configuration, and what it names, which may be outside.
pub(super) fn watched_paths(path: &Path, config: &Config) -> Vec<PathBuf> {
    let named = [folder_of(path), config.server.templates.clone()];
    named.into_iter().chain(flow_files(config)).chain(project_folder(config)).collect()
}

/// The folder of a file; that of a plain name is the current one.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Up to three names of files, for a message.
pub(super) fn names(paths: &[PathBuf], folder: &Path) -> String {
    let name = |path: &PathBuf| {
        let path = path.strip_prefix("./").unwrap_or(path);
        path.strip_prefix(folder).unwrap_or(path).display().to_string()
    };
    let shown: Vec<String> = paths.iter().take(3).map(name).collect();
    match paths.len() {
        0 => "the configuration".to_owned(),
        1..=3 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), more - 3),
    }
}
