//! The demo's carrier: it sends signed webhooks over HTTP.

use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;

use super::Demo;
use super::function::ReceivedCall;
use crate::clock;
use crate::config::HmacAlgorithm;
use crate::media_type::CARRIER_FORM;
use crate::random;
use crate::verify::{SigningKey, sign_form};
use crate::webhook::Params;

/// A webhook of the demo.
pub(super) struct WebhookSample {
    pub title: &'static str,
    pub path: &'static str,
    pub params: Params,
}

/// A webhook with the function call and the response.
pub(super) struct DemoExchange {
    pub sample: WebhookSample,
    pub signature: String,
    pub call: Option<ReceivedCall>,
    pub status: u16,
    pub content_type: String,
    pub document: String,
    pub duration: Duration,
}

impl WebhookSample {
    /// A message, answered by JSON and a template.
    pub(super) fn message(demo: &Demo) -> WebhookSample {
        let sid = random::sid("SM");
        let params = [
            ("MessageSid", sid.as_str()),
            ("AccountSid", &demo.sid),
            ("From", "+15550100"),
            ("To", "+15550111"),
            ("Body", "What's my plan? <3"),
            ("NumMedia", "0"),
        ];
        WebhookSample {
            title: "A message comes in. The function answers JSON, a template makes the reply.",
            path: "/sms",
            params: params.into_iter().collect(),
        }
    }

    /// A call, answered by the function's TwiML.
    pub(super) fn call(demo: &Demo) -> WebhookSample {
        let sid = random::sid("CA");
        let params = [
            ("CallSid", sid.as_str()),
            ("AccountSid", &demo.sid),
            ("From", "+15550100"),
            ("To", "+15550111"),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
        ];
        WebhookSample {
            title: "A call comes in. The function answers TwiML, which goes back byte for byte.",
            path: "/voice",
            params: params.into_iter().collect(),
        }
    }

    /// The webhook's URL, and the signature that Twilio would send with it.
    pub(super) fn sign(&self, demo: &Demo) -> (String, String) {
        let url = format!("http://{}{}", demo.server.address, self.path);
        let key = SigningKey::new(&demo.token, HmacAlgorithm::Sha1);
        let signature = sign_form(&key, &url, self.params.iter());
        (url, signature)
    }

    /// Sends the webhook, and collects the function call and the response.
    pub(super) async fn send(
        self,
        demo: &Demo,
    ) -> Result<DemoExchange, Box<dyn std::error::Error>> {
        let (url, signature) = self.sign(demo);
        let began = clock::now();
        // A client of its own, with nothing of the gateway's: the demo is an outside view.
        let request = awc::Client::new()
            .post(url)
            .insert_header((CONTENT_TYPE, CARRIER_FORM))
            .insert_header(("x-twilio-signature", signature.as_str()))
            .send_body(self.params.encode());
        let mut response = request.await.map_err(|error| error.to_string())?;
        let body = response.body().await?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        Ok(DemoExchange {
            signature,
            // The function has answered by now: the gateway needed its answer for this response.
            call: demo.function.take_call(),
            status: response.status().as_u16(),
            content_type: content_type.unwrap_or("no content type").to_owned(),
            document: String::from_utf8_lossy(&body).into_owned(),
            duration: clock::now().duration_since(began),
            sample: self,
        })
    }
}
