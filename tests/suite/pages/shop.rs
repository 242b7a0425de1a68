//! The applications at `localhost:3000`: the shop of `tests/differential/phone/app.js`, without
//! Express, and one that fails.

use crate::phone::app::{App, Got, reply};

pub(crate) fn start() -> App {
    App::start(|got| {
        let path = got.target.split('?').next().unwrap_or_default();
        match path {
            "/failing" => reply("500 Internal Server Error", "", ""),
            "/status" => reply("204 No Content", "", ""),
            _ => format!("<Response>{}</Response>", document(path, got)),
        }
    })
}

fn document(path: &str, got: &Got) -> String {
    let of = |name: &str| got.params.get(name).unwrap_or_default();
    match path {
        "/voice" => "<Gather numDigits=\"1\" action=\"/menu\" timeout=\"4\">\
             <Say>Welcome to the shop. For opening hours press 1, for your order press 2,</Say>\
             <Say>for an agent press 3.</Say></Gather>"
            .to_owned(),
        "/menu" => "<Gather input=\"dtmf speech\" finishOnKey=\"#\" action=\"/order\">\
             <Say>Type the number of your order and then hash, or say it.</Say></Gather>"
            .to_owned(),
        "/order" => {
            let order = format!("{}{}", of("Digits"), of("SpeechResult"));
            format!("<Say>Order {order} is on its way to {}.</Say><Hangup/>", of("From"))
        }
        "/sms" if of("Body") == "cat" => "<Message><Body>Here it is:</Body>\
             <Media>https://example.com/cat.png</Media></Message>"
            .to_owned(),
        "/sms" => {
            let body = of("Body").replace('&', "&amp;").replace('<', "&lt;");
            format!(
                "<Message>1: you wrote \"{body}\" &lt;3</Message>\
                 <Message>Write cat for a cat.</Message>"
            )
        }
        "/broken" => "<Gather numDigits=\"1\" action=\"/failing\"><Say>Press a key.</Say></Gather>"
            .to_owned(),
        _ => String::new(),
    }
}
