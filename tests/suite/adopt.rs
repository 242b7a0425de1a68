//! Executions of former versions, which named flows after their files and wrote down neither route
//! nor account.

use std::time::Duration;

use twimlgate::config::StoreUrl;
use twimlgate::diagnostics::problem::Problems;
use twimlgate::exchange::adopt;
use twimlgate::metrics::Metrics;
use twimlgate::session::{Commit, Sessions, StoredExecution, contact_key};

use crate::support::hostile::Hostile;
use crate::support::rig::{Rig, gateway};

const ROUTE: &str = r#"
[route."/sms"]
channel = "message"
flow = "tests/flows/survey.json"
"#;

fn hi<'a>(sid: &'a str, body: &'a str) -> [(&'a str, &'a str); 4] {
    [("MessageSid", sid), ("From", "+1555"), ("To", "+1999"), ("Body", body)]
}

/// The active execution, as the first version wrote it.
async fn as_it_was(sessions: &Sessions) -> StoredExecution {
    let saved = sessions.active(&contact_key("/sms", "+1999", "+1555")).await.unwrap().unwrap();
    let (form, state) = saved.state.split_first().unwrap();
    let mut state: serde_json::Value = serde_json::from_slice(state).unwrap();
    let members = state.as_object_mut().unwrap();
    assert_eq!(members.remove("route").unwrap(), "/sms");
    assert!(members.remove("account").is_some());
    let state = [&[*form], state.to_string().as_bytes()].concat();
    let session = contact_key("survey", "+1999", "+1555");
    let version = saved.version + 1;
    StoredExecution { flow: "survey".to_owned(), session, version, state, ..saved }
}

#[actix_web::test]
async fn a_chat_of_a_former_version_goes_on() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("former-version");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = StoreUrl::Sqlite(folder.join("store.db"));
    for sessions in [Sessions::memory(), Sessions::open(&file, Duration::ZERO).unwrap()] {
        let function = Hostile::new(Vec::new());
        let rig = Rig::start_on(sessions.clone(), function.address, ROUTE);
        let question = rig.post("/sms", &hi("SM1", "hi")).await;
        assert!(question.body.contains("What is your name?"), "{question:?}");
        let former = as_it_was(&sessions).await;
        let now = former.updated;
        sessions.commit(Commit::new(former, Vec::new(), now)).await.unwrap();

        let mut problems = Problems::default();
        let gateway = gateway(function.address, ROUTE, &Metrics::new(), &mut problems).unwrap();
        assert_eq!(adopt(&gateway, &sessions).await, Ok(1));
        assert_eq!(adopt(&gateway, &sessions).await, Ok(0), "there is nothing left to do");
        assert!(gateway.flows.find("survey").is_some(), "a program may know it by this name");
        let reply = rig.post("/sms", &hi("SM2", "Ada")).await;
        assert!(reply.body.contains("Ada") && !reply.body.contains("What is"), "{reply:?}");
        rig.end().await;
    }
}
