//! The small project that runs at once: a menu for callers, an answer for people who write.

use super::{ProjectFile, common_files};

/// The function of a new project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FunctionLanguage {
    /// A JavaScript file, which runs with Node
    Node,
    /// A Python file, which runs with Python 3
    Python,
    /// A URL of your own
    Http,
    /// Flows alone, without a function
    None,
}

impl FunctionLanguage {
    /// What the configuration has about the function.
    fn sections(self) -> String {
        match self {
            FunctionLanguage::Node => include_str!("project/config-node.toml").to_owned(),
            FunctionLanguage::Python => {
                let dev = include_str!("project/config-dev.toml");
                let dev = dev.replace("{COMMAND}", "python3 functions/app.py");
                include_str!("project/config-url.toml").to_owned() + &dev
            }
            FunctionLanguage::Http => include_str!("project/config-url.toml").to_owned(),
            FunctionLanguage::None => String::new(),
        }
    }

    /// The file with the code.
    fn program(self) -> Option<ProjectFile> {
        match self {
            FunctionLanguage::Node => Some(ProjectFile::new(
                "functions/hours.js",
                include_str!("project/functions/hours.js"),
            )),
            FunctionLanguage::Python => {
                Some(ProjectFile::new("functions/app.py", include_str!("project/functions/app.py")))
            }
            FunctionLanguage::Http | FunctionLanguage::None => None,
        }
    }
}

/// The files of the sample project.
pub(crate) fn sample_project(function: FunctionLanguage) -> Vec<ProjectFile> {
    let mut config = include_str!("project/config-account.toml").to_owned();
    config += include_str!("project/config-routes.toml");
    let mut files = common_files();
    if function == FunctionLanguage::None {
        config += include_str!("project/config-flow.toml");
        files.extend([
            ProjectFile::new("flows/menu.toml", include_str!("project/flows/menu.toml")),
            ProjectFile::new("flows/reply.toml", include_str!("project/flows/reply.toml")),
            ProjectFile::new("tests/menu.test.toml", include_str!("project/tests/menu.test.toml")),
            ProjectFile::new("tests/sms.test.toml", include_str!("project/tests/sms.test.toml")),
        ]);
    } else {
        config += include_str!("project/config-function.toml");
        files.extend([
            ProjectFile::new("flows/menu.toml", include_str!("project/flows/menu-function.toml")),
            ProjectFile::new(
                "templates/message/hours.xml",
                include_str!("project/templates/message/hours.xml"),
            ),
            ProjectFile::new(
                "templates/message/sorry.xml",
                include_str!("project/templates/message/sorry.xml"),
            ),
            ProjectFile::new(
                "tests/menu.test.toml",
                include_str!("project/tests/menu-function.test.toml"),
            ),
            ProjectFile::new(
                "tests/sms.test.toml",
                include_str!("project/tests/sms-function.test.toml"),
            ),
        ]);
    }
    config += &function.sections();
    files.extend(function.program());
    files.push(ProjectFile::new("config.toml", config));
    files
}
