//! The demo's function: what a user would write, on a port of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;

use crate::webhook::Params;

/// A small server with two functions.
pub(super) struct SampleFunction {
    /// Where it listens.
    pub address: SocketAddr,
    seen: CallList,
}

/// What the functions were asked, for the play to show.
type CallList = Arc<Mutex<Vec<ReceivedCall>>>;

/// One call that a function got, and what it answered.
#[derive(Clone, Debug)]
pub(super) struct ReceivedCall {
    pub request: String,
    pub signature: Option<String>,
    pub params: Params,
    pub content_type: &'static str,
    pub body: String,
}

impl SampleFunction {
    pub(super) fn start() -> io::Result<SampleFunction> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let seen = CallList::default();
        let data = web::Data::new(Arc::clone(&seen));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/lookup", web::post().to(lookup))
                .route("/greeting", web::post().to(greeting))
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        actix_web::rt::spawn(server);
        Ok(SampleFunction { address, seen })
    }

    /// The last call, once.
    pub(super) fn take(&self) -> Option<ReceivedCall> {
        self.seen.lock().pop()
    }
}

/// Answers with JSON: the gateway makes variables of it, and a template makes the reply.
async fn lookup(seen: web::Data<CallList>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let answer = r#"{"person": {"name": "Ada"}, "plan": "gold", "minutes": 40}"#;
    answered(&seen, &request, &body, ("application/json", answer.to_owned()))
}

/// Answers with TwiML: it goes back to the caller byte for byte.
async fn greeting(
    seen: web::Data<CallList>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let answer = "<Response>\n  <Say>Hello from your function.</Say>\n  <Hangup/>\n</Response>";
    answered(&seen, &request, &body, ("text/xml", answer.to_owned()))
}

fn answered(
    seen: &CallList,
    request: &HttpRequest,
    body: &[u8],
    (content_type, answer): (&'static str, String),
) -> HttpResponse {
    let signature = request.headers().get("x-twilio-signature");
    let asked = ReceivedCall {
        request: format!("{} {}", request.method(), request.path()),
        signature: signature.and_then(|value| value.to_str().ok()).map(str::to_owned),
        params: Params::decode(body).unwrap_or_default(),
        content_type,
        body: answer.clone(),
    };
    seen.lock().push(asked);
    HttpResponse::Ok().content_type(content_type).body(answer)
}
