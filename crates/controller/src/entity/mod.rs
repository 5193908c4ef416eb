//! What all entities share: an event queue, a place in the tree, one way of closing.

mod children;
mod events;
mod mirror;

pub use children::Lost;
pub(crate) use children::{Children, Descendant};
pub(crate) use events::EventQueue;
pub use events::Events;
pub use mirror::CloseReason;
pub(crate) use mirror::{Kind, Mirror, Owned};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// `Debug` of a handle: the kind of entity and its id.
macro_rules! debug_by_id {
    ($handle:ident) => {
        impl std::fmt::Debug for $handle {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($handle)).field(self.id()).finish()
            }
        }
    };
}
pub(crate) use debug_by_id;

/// What the handle of every entity has: `Debug`, closing, events. The second argument is where in
/// the handle its [`Owned`] lies, the last one says what `close` closes.
macro_rules! entity_handle {
    ($handle:ident, $($owned:ident).+, $event:ty, $closes:literal) => {
        $crate::entity::debug_by_id!($handle);

        impl $handle {
            #[doc = $closes]
            pub fn close(&self) {
                self.$($owned).+.close();
            }

            /// Whether it is closed, by whomever.
            pub fn is_closed(&self) -> bool {
                self.$($owned).+.mirror.close_reason().is_some()
            }

            /// Its events.
            pub fn events(&self) -> $crate::entity::Events<$event> {
                self.$($owned).+.mirror.subscribe()
            }
        }
    };
}
pub(crate) use entity_handle;

/// Locks a mutex even if a thread panicked while it held it. The data is sound: no lock here is
/// held over a call that can panic half-way through a change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
