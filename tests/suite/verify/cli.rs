//! `twimlgate sign` and `twimlgate verify` as a person runs them.

use std::io::Write as _;
use std::process::{Command, Stdio};

const U: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const P: [&str; 5] = [
    "CallSid=CA1234567890ABCDE",
    "Caller=+14158675309",
    "Digits=1234",
    "From=+14158675309",
    "To=+18005551212",
];
const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

struct Output {
    code: i32,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_twimlgate"))
        .args(arguments)
        .env_remove("TWILIO_AUTH_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that reads no body closes its end first.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    let output = child.wait_with_output().expect("the program ends");
    Output {
        code: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// `twimlgate verify` of the official example, with these arguments after it.
fn verify(url: &str, params: &[&str], signature: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["verify", "--url", url, "--token", "12345", "--signature", signature];
    params.iter().for_each(|param| arguments.extend(["--param", *param]));
    arguments.extend(more);
    run(&arguments, b"")
}

#[test]
fn signs_as_the_official_libraries_do() {
    let mut arguments = vec!["sign", "--url", U, "--token", "12345"];
    P.iter().for_each(|param| arguments.extend(["--param", *param]));
    let output = run(&arguments, b"");
    assert_eq!((output.code, output.stdout.trim_end()), (0, SIGNATURE), "{}", output.stderr);

    let arguments = ["sign", "--url", U, "--token", "12345", "--content-type", "application/json"];
    let body = br#"{"property": "value", "boolean": true}"#;
    let output = run(&[&arguments[..], &["--body-file", "-"]].concat(), body);
    let url =
        format!("{U}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
    assert_eq!(output.stdout, format!("a9nBmqA0ju/hNViExpshrM61xv4=\n{url}\n"));
}

#[test]
fn verdicts_are_exit_codes() {
    assert_eq!(verify(U, &P, SIGNATURE, &[]).code, 0);
    assert_eq!(verify(U, &P[1..], SIGNATURE, &[]).code, 1);
    assert_eq!(verify(U, &P, "WRONG_SIGNATURE", &[]).code, 1);
    assert_eq!(verify(U, &P, "", &[]).code, 1);
    assert_eq!(verify("mycompany.com", &P, SIGNATURE, &[]).code, 2);
    assert_eq!(verify(U, &["no-equals-sign"], SIGNATURE, &[]).code, 2);
    assert_eq!(verify(U, &P, SIGNATURE, &["--method", "PUT"]).code, 2);
    assert_eq!(verify(U, &P, SIGNATURE, &["--method", "GET"]).code, 2);
    assert_eq!(verify(U, &[], SIGNATURE, &["--body-file", "/does/not/exist"]).code, 2);
    let output = run(&["verify", "--url", U, "--signature", SIGNATURE], b"");
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("TWILIO_AUTH_TOKEN"), "{}", output.stderr);
    let help = run(&["verify", "--help"], b"");
    assert!(help.code == 0 && help.stdout.contains("Example"), "{}", help.stdout);
}

#[test]
fn reads_the_body_as_sent_and_takes_several_tokens() {
    let body = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309\
        &To=%2B18005551212";
    let arguments = ["verify", "--url", U, "--signature", SIGNATURE, "--body-file", "-"];
    let tokens = ["--token", "other", "--token", "12345"];
    let output = run(&[&arguments[..], &tokens].concat(), body);
    assert_eq!((output.code, output.stdout.trim_end()), (0, "accepted, signed with token 2"));
}

#[test]
fn explains_what_would_match() {
    let explained = |url: &str, params: &[&str], signature: &str, expected: &str| {
        let output = verify(url, params, signature, &["--explain"]);
        assert_eq!(output.code, 1, "{}", output.stdout);
        assert!(output.stdout.contains(expected), "{expected}\n{}", output.stdout);
        assert!(!output.stdout.contains("12345\n"), "the token is shown: {}", output.stdout);
    };
    let with = |replaced: &str, by: &str| U.replace(replaced, by);
    let scheme = "the carrier signed `https://mycompany.com/myapp.php?foo=1&bar=2`: another scheme";
    explained(&with("https", "http"), &P, SIGNATURE, scheme);
    explained(&with("https", "http"), &P, SIGNATURE, "set `[server] public_url`");
    explained(&with("php", "php/"), &P, SIGNATURE, "a slash at the end of the path");
    explained(&format!("{U}#rc=2"), &P, SIGNATURE, "without the fragment");
    explained(&format!("{U}&x=1"), &P, SIGNATURE, "one parameter of the query less");
    explained(&with("foo=1&bar=2", "bar=2&foo=1"), &P, SIGNATURE, "the query in another order");
    explained(&with("mycompany", "www.mycompany"), &P, SIGNATURE, "spelling of the host");
    let spaces: Vec<_> = P.iter().map(|param| param.replace('+', " ")).collect();
    let spaces: Vec<_> = spaces.iter().map(String::as_str).collect();
    explained(U, &spaces, SIGNATURE, "`%2B` for the plus of a number");
    let padded: Vec<_> = P.iter().map(|param| format!("{param} ")).collect();
    let padded: Vec<_> = padded.iter().map(String::as_str).collect();
    explained(U, &padded, SIGNATURE, "trimmed");
    explained(U, &[&P[..], &["foo=1", "bar=2"]].concat(), SIGNATURE, "frameworks merge those");
    explained(U, &[&P[..], &["Extra=1"]].concat(), SIGNATURE, "without the parameter `Extra`");
    explained(U, &[&P[..], &["Empty="]].concat(), SIGNATURE, "whose value is empty");
    let url_safe = SIGNATURE.replace('/', "_");
    explained(U, &P, &url_safe, "written in another way than base64");
    explained(U, &P, &SIGNATURE.replace('=', "%3D"), "no URL decoding");
    let sha256 = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=";
    explained(U, &P, sha256, "the other algorithm");
    explained(U, &P, "zYQTYrRWXE7LtzbG4PfP7/bkkGo=", "the URL alone");
    // Two at once.
    explained(&with("https", "http"), &padded, SIGNATURE, "trimmed");
    explained(U, &P, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "No tried variant matches");
}

#[test]
fn explains_bodies_that_are_not_forms() {
    let arguments =
        ["verify", "--token", "12345", "--content-type", "application/json", "--explain"];
    let explained = |url: &str, signature: &str, body: &[u8], expected: &str| {
        let more = ["--body-file", "-", "--url", url, "--signature", signature];
        let output = run(&[&arguments[..], &more].concat(), body);
        assert_eq!(output.code, 1);
        assert!(output.stdout.contains(expected), "{expected}\n{}", output.stdout);
    };
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let url = format!("{U}&bodySHA256={hash}");
    let signature = "a9nBmqA0ju/hNViExpshrM61xv4=";
    let compact = br#"{"property":"value","boolean":true}"#;
    explained(&url, signature, compact, "as JSON with a space behind");
    explained(&url, signature, b"{}", "the body is not the one that was sent");
    explained(U, "zYQTYrRWXE7LtzbG4PfP7/bkkGo=", b"{}", "holds no `bodySHA256`");
    let form = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309\
        &To=%2B18005551212";
    explained(U, SIGNATURE, form, "the carrier signed the body as a form");
}

#[test]
fn the_terminal_is_not_at_the_mercy_of_a_caller() {
    let output = verify(U, &["Body=\u{1b}[2Jx\r\n"], SIGNATURE, &["--explain"]);
    assert!(!output.stdout.contains('\u{1b}'), "{}", output.stdout);
    assert!(output.stdout.contains("\\u{1b}[2Jx\\r\\n"), "{}", output.stdout);
}
