//! actix-web that reads the body and calls nothing: what the HTTP server alone costs.

use actix_web::web::{Bytes, post};
use actix_web::{App, HttpResponse, HttpServer, rt};
use compare::arguments::Arguments;
use compare::documents::{TWIML, TWIML_TYPE};

fn main() -> std::io::Result<()> {
    let listen: String = Arguments::of_process().required("--listen");
    let factory = || App::new().route("/voice", post().to(answer));
    let server = HttpServer::new(factory).workers(1).bind(listen)?;
    rt::System::new().block_on(server.run())
}

async fn answer(body: Bytes) -> HttpResponse {
    if body.is_empty() {
        return HttpResponse::BadRequest().finish();
    }
    HttpResponse::Ok().content_type(TWIML_TYPE).body(TWIML)
}
