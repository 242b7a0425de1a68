//! The tuned forwarder, in a program with the system's allocator and in one with mimalloc.

use std::io;
use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::web::{Bytes, Data, post};
use actix_web::{App, Error, HttpResponse, HttpServer, error, rt};
use awc::{Client, Connector};

use crate::arguments::Arguments;
use crate::documents::TWIML_TYPE;

/// Never closed by age within a measurement.
const LONG: Duration = Duration::from_secs(3600);

/// More connections than are ever open: the default, 100 per worker, caps the throughput.
const CONNECTIONS_MAX: usize = 65_536;

/// What a worker needs for each request, made once.
struct Function {
    client: Client,
    uri: Uri,
    form: HeaderValue,
    twiml: HeaderValue,
}

/// Serves until it is ended.
pub fn tuned() -> io::Result<()> {
    let arguments = Arguments::of_process();
    let uri: Uri = arguments.required("--function");
    let factory = move || {
        App::new()
            .app_data(Data::new(Function::new(uri.clone())))
            .route("/voice", post().to(forward))
    };
    let server = HttpServer::new(factory)
        .workers(1)
        .keep_alive(LONG)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(Duration::ZERO)
        .bind(arguments.required::<String>("--listen"))?;
    rt::System::new().block_on(server.run())
}

impl Function {
    fn new(uri: Uri) -> Function {
        let connector =
            Connector::new().limit(CONNECTIONS_MAX).conn_keep_alive(LONG).conn_lifetime(LONG);
        let client = Client::builder()
            .no_default_headers()
            .disable_redirects()
            .connector(connector)
            .finish();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=UTF-8");
        Function { client, uri, form, twiml: HeaderValue::from_static(TWIML_TYPE) }
    }
}

async fn forward(body: Bytes, function: Data<Function>) -> Result<HttpResponse, Error> {
    let call = function.client.request(Method::POST, function.uri.clone());
    let call = call.insert_header((CONTENT_TYPE, function.form.clone()));
    let mut answer = call.send_body(body).await.map_err(error::ErrorBadGateway)?;
    let document = answer.body().await.map_err(error::ErrorBadGateway)?;
    let mut response = HttpResponse::build(answer.status());
    response.insert_header((CONTENT_TYPE, function.twiml.clone()));
    Ok(response.body(document))
}
