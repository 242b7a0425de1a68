//! One webhook of a session after the other.

use std::cell::RefCell;
use std::rc::Rc;

use super::every;

#[tokio::test]
async fn turns_are_taken_in_the_order_of_arrival() {
    every("turns", async |sessions| {
        let order = Rc::new(RefCell::new(Vec::new()));
        let first = sessions.enter("a").await;
        let local = tokio::task::LocalSet::new();
        for number in 0..50 {
            let (sessions, order) = (sessions.clone(), Rc::clone(&order));
            local.spawn_local(async move {
                let _turn = sessions.enter("a").await;
                order.borrow_mut().push(number);
                tokio::task::yield_now().await;
                assert_eq!(order.borrow().last(), Some(&number), "nobody came between");
            });
        }
        local
            .run_until(async {
                // Another session waits for nobody.
                drop(sessions.enter("b").await);
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
