//! actix-web and awc as a person writes it first: the forwarder that the goals refer to.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, post};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, error, rt};
use awc::Client;
use compare::arguments::Arguments;

fn main() -> std::io::Result<()> {
    let arguments = Arguments::of_process();
    let function: String = arguments.required("--function");
    let factory = move || {
        App::new()
            .app_data(Data::new(Client::default()))
            .app_data(Data::new(function.clone()))
            .route("/voice", post().to(forward))
    };
    let server =
        HttpServer::new(factory).workers(1).bind(arguments.required::<String>("--listen"))?;
    rt::System::new().block_on(server.run())
}

async fn forward(
    request: HttpRequest,
    body: Bytes,
    client: Data<Client>,
    function: Data<String>,
) -> Result<HttpResponse, Error> {
    let mut call = client.post(function.as_str());
    if let Some(content_type) = request.headers().get(CONTENT_TYPE) {
        call = call.insert_header((CONTENT_TYPE, content_type.clone()));
    }
    let mut answer = call.send_body(body).await.map_err(error::ErrorBadGateway)?;
    let document = answer.body().await.map_err(error::ErrorBadGateway)?;
    let mut response = HttpResponse::build(answer.status());
    if let Some(content_type) = answer.headers().get(CONTENT_TYPE) {
        response.insert_header((CONTENT_TYPE, content_type.clone()));
    }
    Ok(response.body(document))
}
