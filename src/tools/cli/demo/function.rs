//! The demo's function, as a user would write it, on a port of its own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;

use crate::webhook::Params;

/// A small server with two functions.
pub(super) struct SampleFunction {
    /// The address that it listens on.
    pub address: SocketAddr,
    calls: CallList,
}

/// The calls of the functions, for the output.
type CallList = Arc<Mutex<Vec<ReceivedCall>>>;

/// One call of a function with its answer.
#[derive(Clone, Debug)]
pub(super) struct ReceivedCall {
    pub request: String,
    pub signature: Option<String>,
    pub params: Params,
    pub answer: FunctionAnswer,
}

/// The answer of a function.
#[derive(Clone, Debug)]
pub(super) struct FunctionAnswer {
    pub content_type: &'static str,
    pub body: &'static str,
}

impl SampleFunction {
    pub(super) fn start() -> io::Result<SampleFunction> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let calls = CallList::default();
        let data = web::Data::new(Arc::clone(&calls));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/lookup", web::post().to(lookup))
                .route("/greeting", web::post().to(greeting))
        });
        // Ctrl-C belongs to the demo, which drains the gateway first.
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        actix_web::rt::spawn(server);
        Ok(SampleFunction { address, calls })
    }

    /// Removes and returns the last call.
    pub(super) fn take_call(&self) -> Option<ReceivedCall> {
        self.calls.lock().pop()
    }
}

/// Answers with JSON: the gateway makes variables of it, and a template makes the reply.
async fn lookup(
    calls: web::Data<CallList>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let answer = r#"{"person": {"name": "Ada"}, "plan": "gold", "minutes": 40}"#;
    respond(
        &calls,
        &request,
        &body,
        FunctionAnswer { content_type: "application/json", body: answer },
    )
}

/// Answers with TwiML: it goes back to the caller byte for byte.
async fn greeting(
    calls: web::Data<CallList>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let answer = "<Response>\n  <Say>Hello from your function.</Say>\n  <Hangup/>\n</Response>";
    respond(&calls, &request, &body, FunctionAnswer { content_type: "text/xml", body: answer })
}

fn respond(
    calls: &CallList,
    request: &HttpRequest,
    body: &[u8],
    answer: FunctionAnswer,
) -> HttpResponse {
    let signature = request.headers().get("x-twilio-signature");
    let call = ReceivedCall {
        request: format!("{} {}", request.method(), request.path()),
        signature: signature.and_then(|value| value.to_str().ok()).map(str::to_owned),
        params: Params::decode(body).unwrap_or_default(),
        answer: answer.clone(),
    };
    calls.lock().push(call);
    HttpResponse::Ok().content_type(answer.content_type).body(answer.body)
}
