//! The lock of a session: one webhook after the other.

use std::cell::RefCell;
use std::rc::Rc;

use super::on_every_store;

#[tokio::test]
async fn a_session_is_locked_in_the_order_of_arrival() {
    on_every_store("locks", async |sessions| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let first = sessions.lock("a").await;
        let local = tokio::task::LocalSet::new();
        for number in 0..50 {
            let (sessions, order) = (sessions.clone(), Rc::clone(&order));
            local.spawn_local(async move {
                let _guard = sessions.lock("a").await;
                order.borrow_mut().push(number);
                tokio::task::yield_now().await;
                assert_eq!(order.borrow().last(), Some(&number), "no other task came between");
            });
        }
        local
            .run_until(async {
                // Another session does not wait.
                drop(sessions.lock("b").await);
                tokio::task::yield_now().await;
                assert!(order.borrow().is_empty());
                drop(first);
            })
            .await;
        local.await;
        assert_eq!(*order.borrow(), (0..50).collect::<Vec<_>>());
    })
    .await;
}
