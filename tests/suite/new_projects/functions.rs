//! `--from functions`: a project around a folder of Twilio Functions, which stays as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{assert_success, folder, printed, run_as_typed, twimlgate};

const ACCOUNT: &str = "AC000000000000000000000000000000ab";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const VOICE: &str = "exports.handler = (context, event, callback) => {\n\
                     const twiml = new Twilio.twiml.VoiceResponse();\n\
                     twiml.say(context.GREETING);\n  callback(null, twiml);\n};\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A project as its author has it: nested folders, protected and private files, ES modules.
fn shop(folder: &Path) -> PathBuf {
    let shop = folder.join("shop");
    let twilio = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/functions/twilio");
    for name in ["index.js", "package.json"] {
        let text = fs::read_to_string(twilio.join(name)).unwrap();
        write(&shop, &format!("node_modules/twilio/{name}"), &text);
    }
    write(&shop, "package.json", r#"{ "dependencies": { "twilio": "*" } }"#);
    write(&shop, "src/hello.js", VOICE);
    write(&shop, "src/menu/index.protected.js", "exports.handler = (c, e, done) => done();");
    write(&shop, "src/api/token.mjs", "export const handler = async () => ({ ok: true });");
    write(&shop, "src/helper.private.js", "exports.help = 1;");
    write(&shop, "static/music.mp3", "not a song");
    let env = format!("ACCOUNT_SID={ACCOUNT}\nAUTH_TOKEN={TOKEN}\nGREETING=Hello from the shop\n");
    write(&shop, ".env", &env);
    shop
}

/// All files below a folder, with their texts.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

#[test]
fn a_folder_runs_as_it_is() {
    let folder = folder("functions");
    let shop = shop(&folder);
    let before = files(&shop);
    let output = twimlgate(&folder, &["new", "gate way", "--from", "functions", "shop"]);
    assert_success(&output);
    assert_eq!(files(&shop), before);
    let project = folder.join("gate way");
    let config = fs::read_to_string(project.join("config.toml")).unwrap();
    for line in [
        "folder = \"../shop\"",
        "#   /api/token    src/api/token.mjs",
        "#   /hello        src/hello.js",
        "#   /menu/index   src/menu/index.protected.js, protected",
    ] {
        assert!(config.contains(&format!("\n{line}\n")), "{line}:\n{config}");
    }
    assert!(!config.contains("helper"), "{config}");
    assert_success(&twimlgate(&project, &["check"]));
    assert!(run_as_typed(&folder, &output).contains("Hello from the shop"));
    assert_secrets_are_ignored(&project);
    // What a function writes is shown: an error is not in its answer.
    let broken =
        "exports.handler = () => { console.log('here'); throw new Error('no such shop'); };";
    write(&shop, "src/broken.js", broken);
    let output = twimlgate(&project, &["phone", "/broken"]);
    let said = printed(&output);
    assert!(said.contains("| here") && said.contains("no such shop"), "{said}");
    let output = twimlgate(&project, &["phone", "/nope"]);
    assert!(printed(&output).contains("it has `/api/token`, `/broken`, `/hello`"), "{output:?}");
    // From anywhere else, and with a path of several folders.
    assert_success(&twimlgate(&shop, &["new", "deploy/gateway", "--from", "functions", "."]));
    let config = fs::read_to_string(shop.join("deploy/gateway/config.toml")).unwrap();
    assert!(config.contains("folder = \"../..\""), "{config}");
    assert_success(&twimlgate(&shop.join("deploy/gateway"), &["check"]));
}

/// Secrets are in no file but `.env`, which version control ignores and others cannot read.
#[track_caller]
fn assert_secrets_are_ignored(project: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for (path, text) in files(project) {
        let text = String::from_utf8_lossy(&text).into_owned();
        let is_env = path.file_name().unwrap() == ".env";
        assert_eq!(text.contains(TOKEN) || text.contains(ACCOUNT), is_env, "{}", path.display());
        assert!(!text.contains("Hello from the shop"), "{}", path.display());
    }
    let mode = fs::metadata(project.join(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fs::read_to_string(project.join(".gitignore")).unwrap().starts_with(".env\n"));
}

#[test]
fn a_folder_becomes_a_project_in_place() {
    let folder = folder("functions in place");
    let shop = shop(&folder);
    write(&shop, ".gitignore", "node_modules/\n.env\n");
    let before = files(&shop);
    let output = twimlgate(&shop, &["init", "--from", "functions", "."]);
    assert_success(&output);
    let said = printed(&output);
    assert!(said.contains("Add to it: twimlgate.db*"), "{said}");
    let after = files(&shop);
    assert!(before.iter().all(|(path, text)| after.get(path) == Some(text)));
    let config = fs::read_to_string(shop.join("config.toml")).unwrap();
    // The variables of `.env` are those that the functions have already.
    assert!(config.contains("sid = \"${ACCOUNT_SID}\""), "{config}");
    assert!(config.contains("folder = \".\"") && !config.contains(TOKEN), "{config}");
    assert!(run_as_typed(&shop, &output).contains("Hello from the shop"));

    // Once more, and without an account: nothing is written.
    for (prepare, message) in [
        ("config.toml", "`config.toml` exists"),
        (".env", "`.env` has no account in `ACCOUNT_SID` and `AUTH_TOKEN`"),
    ] {
        if prepare == ".env" {
            fs::remove_file(shop.join("config.toml")).unwrap();
            write(&shop, ".env", "ACCOUNT_SID=ACxxxx\nAUTH_TOKEN=\n");
        }
        let before = files(&shop);
        let output = twimlgate(&shop, &["init", "--from", "functions", "."]);
        assert_eq!(output.status.code(), Some(2));
        assert!(printed(&output).contains(message), "{}", printed(&output));
        assert_eq!(files(&shop), before);
    }
}

#[test]
fn a_folder_without_an_account_gets_an_invented_one() {
    let folder = folder("functions without account");
    write(&folder, "shop/functions/sms.js", "// MessagingResponse\nexports.handler = 1;");
    let output = twimlgate(&folder, &["new", "x", "--from", "functions", "shop"]);
    assert_success(&output);
    assert!(printed(&output).contains(" text /sms\n"), "{}", printed(&output));
    assert_success(&twimlgate(&folder.join("x"), &["check"]));
    // In place, `.env` is a new file, too.
    assert_success(&twimlgate(&folder.join("shop"), &["init", "--from", "functions", "."]));
    assert_success(&twimlgate(&folder.join("shop"), &["check"]));
}

#[test]
fn what_is_wrong_with_a_folder_is_said_with_its_place() {
    let folder = folder("functions wrong");
    let shop = shop(&folder);
    write(&folder, "empty/functions/readme.md", "nothing");
    write(&folder, "other/index.js", "nothing");
    for (from, message) in [
        ("missing", "cannot read `missing`: No such file"),
        ("other", "`other` has neither `functions/` (or `src/`)"),
        ("other/index.js", "`other/index.js` has neither"),
        ("empty", "`empty` has no functions"),
    ] {
        let output = twimlgate(&folder, &["new", "x", "--from", "functions", from]);
        assert_eq!(output.status.code(), Some(2), "{from}");
        assert!(printed(&output).contains(message), "{from}: {}", printed(&output));
        assert!(!folder.join("x").exists(), "{from}");
    }
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.args(["new", "x", "--from", "functions", "shop"]).current_dir(&folder);
    let output = command.env_clear().env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).contains("needs Node 20 or later; `node` was not found in PATH"));
    assert!(!folder.join("x").exists());

    // Single functions that cannot run: the others do.
    write(&shop, "src/broken.js", "exports.handler = () => {\n  return (;\n};\n");
    write(&shop, "src/hello.mjs", "export const handler = 1;");
    let output = twimlgate(&folder, &["new", "x", "--from", "functions", "shop"]);
    assert_success(&output);
    let said = printed(&output);
    assert!(said.contains("src/broken.js:2:"), "{said}");
    assert!(said.contains("`src/hello.js` and `src/hello.mjs` are both `/hello`"), "{said}");
    assert!(run_as_typed(&folder, &output).contains("Hello from the shop"));
}
