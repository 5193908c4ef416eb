//! Coming back after a lost connection.
//!
//! Every session of a dialect that can be resumed has a [`Seat`], and its client has the secret of
//! it. When the connection is lost, [`Resumption::linger`] serves the session without one for a
//! while: the person stays in the room, and what others do to them is carried out. Whoever shows
//! the secret gets the session from whoever holds it at that moment. That may be another
//! connection, which is dead without anybody having noticed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::Happening;
use crate::rooms::{PersonId, Secret};

/// A session that lives on without a connection.
pub(crate) trait Unattended: Sized + Send + 'static {
    /// The next thing that others do, or a claim on the session. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Woken<Self>> + Send;

    /// Carries out what has happened, and keeps what the client is to be told. Returns whether the
    /// client can still be told everything.
    fn keep(&mut self, happening: Happening) -> impl Future<Output = bool> + Send;
}

/// What a session that waits hears of.
#[derive(Debug)]
pub(crate) enum Woken<S> {
    /// Others did something.
    Happening(Happening),
    /// The client has come back over another connection, which wants the session.
    Claimed(Claim<S>),
}

/// The wish to have a session.
#[derive(Debug)]
pub(crate) struct Claim<S>(oneshot::Sender<S>);

impl<S> Claim<S> {
    /// Gives the session away; or back, if nobody wants it any more.
    pub(crate) fn hand_over(self, session: S) -> Result<(), S> {
        self.0.send(session)
    }
}

/// All seats of one dialect, and the sessions without a connection.
#[derive(Debug)]
pub(crate) struct Resumption<S> {
    window: Duration,
    most: usize,
    /// How many sessions are without a connection, here and wherever else this is counted.
    count: Arc<AtomicUsize>,
    inner: Mutex<Inner<S>>,
}

#[derive(Debug)]
struct Inner<S> {
    seats: BTreeMap<PersonId, Taken<S>>,
    /// In the order in which their connections were lost.
    lingering: BTreeMap<u64, Lingerer>,
    next: u64,
}

#[derive(Debug)]
struct Taken<S> {
    claims: mpsc::Sender<Claim<S>>,
    newest: Secret,
    /// The one before. It holds until the client is known to have the newest, because the answer
    /// that carried that may be lost like any other.
    former: Option<Former>,
}

#[derive(Debug)]
struct Former {
    secret: Secret,
    /// Whether the client's side of the connection has got something since it has the newest.
    is_acknowledged: bool,
}

#[derive(Debug)]
struct Lingerer {
    address: Option<IpAddr>,
    evict: oneshot::Sender<()>,
}

/// A session's right to be resumed. The session owns it, wherever it goes.
#[derive(Debug)]
pub(crate) struct Seat<S> {
    table: Arc<Resumption<S>>,
    person: PersonId,
    claims: mpsc::Receiver<Claim<S>>,
}

impl<S> Resumption<S> {
    /// Sessions linger for as long as `window`, and no more than `most` of them. `count` is how many
    /// do.
    pub(crate) fn new(window: Duration, most: usize, count: Arc<AtomicUsize>) -> Self {
        let inner = Inner {
            seats: BTreeMap::new(),
            lingering: BTreeMap::new(),
            next: 0,
        };
        Self {
            window,
            most,
            count,
            inner: Mutex::new(inner),
        }
    }

    /// How long a session stays without a connection.
    pub(crate) fn window(&self) -> Duration {
        self.window
    }

    /// A seat for the session of a person who has none yet, and its first secret.
    pub(crate) fn seat(self: &Arc<Self>, person: PersonId) -> (Seat<S>, String) {
        let (sender, claims) = mpsc::channel(CLAIMS);
        let secret = Secret::random();
        let shown = text(person, &secret);
        let taken = Taken {
            claims: sender,
            newest: secret,
            former: None,
        };
        self.lock().seats.insert(person, taken);
        let seat = Seat {
            table: Arc::clone(self),
            person,
            claims,
        };
        (seat, shown)
    }

    /// The session of this secret, and its next secret; none if the secret is of no session, or
    /// was spent.
    pub(crate) async fn claim(&self, shown: &str) -> Option<(S, String)> {
        let (person, secret) = shown.split_once('.')?;
        let person = PersonId::parse(person)?;
        let claims = {
            let inner = self.lock();
            let taken = inner.seats.get(&person)?;
            taken.is_opened_by(secret).then(|| taken.claims.clone())?
        };
        let (sender, session) = oneshot::channel();
        claims.send(Claim(sender)).await.ok()?;
        let session = session.await.ok()?;
        let next = self.lock().seats.get_mut(&person)?.renew(secret);
        Some((session, text(person, &next)))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        // Every change of it is a single one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Unattended> Resumption<S> {
    /// Serves a session without its client, who is at this address, until the client comes back or
    /// the window is over. If too many linger, the oldest of the address or of all must go.
    pub(crate) fn linger(self: &Arc<Self>, session: S, address: Option<IpAddr>) {
        let place = self.place(address);
        let window = self.window;
        tokio::spawn(attend(session, place, window));
    }

    fn place(self: &Arc<Self>, address: Option<IpAddr>) -> Place<S> {
        let (evict, evicted) = oneshot::channel();
        let mut inner = self.lock();
        let neighbours = || {
            let all = inner.lingering.iter();
            all.filter(|(_, one)| address.is_some() && one.address == address)
        };
        let oldest = if neighbours().count() >= MOST_PER_ADDRESS {
            neighbours().next().map(|(id, _)| *id)
        } else if inner.lingering.len() >= self.most {
            inner.lingering.keys().next().copied()
        } else {
            None
        };
        if let Some(oldest) = oldest.and_then(|id| inner.lingering.remove(&id)) {
            // One that is just leaving needs no word.
            let _ = oldest.evict.send(());
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        let id = inner.next;
        inner.next += 1;
        inner.lingering.insert(id, Lingerer { address, evict });
        self.count.fetch_add(1, Ordering::Relaxed);
        Place {
            table: Arc::clone(self),
            id,
            evicted,
        }
    }
}

/// A place among those who linger.
struct Place<S> {
    table: Arc<Resumption<S>>,
    id: u64,
    evicted: oneshot::Receiver<()>,
}

impl<S> Drop for Place<S> {
    fn drop(&mut self) {
        if self.table.lock().lingering.remove(&self.id).is_some() {
            self.table.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

async fn attend<S: Unattended>(mut session: S, mut place: Place<S>, window: Duration) {
    let over = sleep(window);
    tokio::pin!(over);
    loop {
        let woken = tokio::select! {
            biased;
            () = &mut over => return,
            _ = &mut place.evicted => return,
            woken = session.next() => woken,
        };
        match woken {
            Woken::Claimed(claim) => match claim.hand_over(session) {
                Ok(()) => return,
                Err(back) => session = back,
            },
            Woken::Happening(happening) => {
                if !session.keep(happening).await {
                    return;
                }
            }
        }
    }
}

impl<S> Taken<S> {
    fn is_opened_by(&self, secret: &str) -> bool {
        let former = self.former.as_ref();
        let is_former = former.is_some_and(|one| one.secret.is(secret));
        self.newest.is(secret) || is_former
    }

    /// Makes the next secret. The one that was shown stays until then.
    fn renew(&mut self, shown: &str) -> Secret {
        let next = Secret::random();
        let newest = std::mem::replace(&mut self.newest, next.clone());
        let former = self.former.take().map(|one| one.secret);
        let former = if newest.is(shown) {
            Some(newest)
        } else {
            former
        };
        self.former = former.map(|secret| Former {
            secret,
            is_acknowledged: false,
        });
        next
    }
}

impl<S> Seat<S> {
    /// Waits until somebody has shown the secret. Dropping the future loses nothing.
    pub(crate) async fn claimed(&mut self) -> Claim<S> {
        match self.claims.recv().await {
            Some(claim) => claim,
            // The table keeps the other end for as long as this one is there.
            None => std::future::pending().await,
        }
    }

    /// The client's side of the connection has got what was sent to it. A browser answers before the
    /// page has seen that, so the secret before the newest holds until the second time.
    pub(crate) fn acknowledge(&self) {
        let mut inner = self.table.lock();
        let taken = inner.seats.get_mut(&self.person);
        if let Some(former) = taken.map(|taken| &mut taken.former) {
            *former = former.take().filter(|one| !one.is_acknowledged);
            if let Some(former) = former {
                former.is_acknowledged = true;
            }
        }
    }
}

impl<S> Drop for Seat<S> {
    fn drop(&mut self) {
        self.table.lock().seats.remove(&self.person);
    }
}

/// What the client keeps: the person, by whom the seat is found, and the secret.
fn text(person: PersonId, secret: &Secret) -> String {
    format!("{person}.{}", secret.reveal())
}

/// Claims that may wait: a client in trouble tries again before it has an answer.
const CLAIMS: usize = 4;

/// When the router of an office restarts, all who are behind it lose their connections at the same
/// moment.
const MOST_PER_ADDRESS: usize = 128;

#[cfg(test)]
mod tests;
