//! Routes without a function, in a running program: repeats, and a reload of their documents.

use super::{Process, folder, post};

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
workers = 1

[admin]
listen = ""

[signature]
mode = "off"

[route."/sms"]
channel = "message"
twiml = '''
<Response>
  <Message>one: {{Body}} of {{From}}</Message>
</Response>
'''
"#;

#[test]
fn a_changed_document_is_taken_over_and_a_repeat_gets_what_it_got() {
    let mut process = Process::start(folder("documents"), CONFIG);
    let address = process.address();
    let first = post(address, "SM1");
    assert!(first.contains("<Message>one: hi of +15550100</Message>"), "{first}");

    process.change("one: {{Body}}", "two: {{ Body | upcase }}");
    process.signal("-HUP");
    process.line("configuration taken over");
    assert!(post(address, "SM2").contains("<Message>two: HI of +15550100</Message>"));
    assert_eq!(post(address, "SM1"), first);

    // A mistake is shown where it is in the configuration, and the old document still answers.
    process.change("</Message>", "</Mesage>");
    process.signal("-HUP");
    let refused = process.line("never TwiML");
    assert!(refused["message"].as_str().unwrap().contains("config.toml:16:48"), "{refused}");
    process.line("configuration refused");
    assert!(post(address, "SM3").contains("<Message>two: HI"));

    let file = process.folder.join("config.toml");
    let redirect = CONFIG.split("twiml").next().unwrap().to_owned();
    std::fs::write(file, redirect + "redirect = \"https://other.example/sms?a=1&b=2\"\n").unwrap();
    process.signal("-HUP");
    process.line("configuration taken over");
    let redirected = "<Redirect method=\"POST\">https://other.example/sms?a=1&amp;b=2</Redirect>";
    assert!(post(address, "SM4").contains(redirected));
}
