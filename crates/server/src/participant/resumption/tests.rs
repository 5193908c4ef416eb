//! Sessions that are handed over, linger and end.

use std::net::Ipv4Addr;

use super::*;

/// A session that keeps count of what happens.
struct Guest {
    seat: Seat<Self>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    kept: usize,
    /// Closes when the session ends.
    _life: oneshot::Sender<()>,
}

/// What a test has of a session, wherever it is.
struct Hand {
    secret: String,
    happenings: mpsc::UnboundedSender<Happening>,
    end: oneshot::Receiver<()>,
}

impl Unattended for Guest {
    async fn next(&mut self) -> Woken<Self> {
        tokio::select! {
            biased;
            Some(happening) = self.happenings.recv() => Woken::Happening(happening),
            claim = self.seat.claimed() => Woken::Claimed(claim),
        }
    }

    async fn keep(&mut self, happening: Happening) -> bool {
        self.kept += 1;
        !matches!(happening, Happening::TooSlow)
    }
}

type Table = Arc<Resumption<Guest>>;

fn table(window: Duration, most: usize) -> Table {
    Arc::new(Resumption::new(window, most, Arc::default()))
}

fn guest(table: &Table) -> (Guest, Hand) {
    let (seat, secret) = table.seat(PersonId::random());
    let (sender, happenings) = mpsc::unbounded_channel();
    let (life, end) = oneshot::channel();
    let guest = Guest {
        seat,
        happenings,
        kept: 0,
        _life: life,
    };
    let hand = Hand {
        secret,
        happenings: sender,
        end,
    };
    (guest, hand)
}

const LONG: Duration = Duration::from_secs(3600);
const HOME: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

#[tokio::test]
async fn a_session_without_a_connection_lives_on() {
    let table = table(LONG, 10);
    let (guest, hand) = guest(&table);
    table.linger(guest, HOME);
    for _ in 0..3 {
        hand.happenings.send(Happening::MediaLost).unwrap();
    }
    assert_eq!(table.count.load(Ordering::Relaxed), 1);
    let (guest, _) = table.claim(&hand.secret).await.unwrap();
    assert_eq!(guest.kept, 3);
    // Whoever has it serves it now.
    assert_eq!(table.count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_dead_connection_gives_its_session_to_the_next() {
    let table = table(LONG, 10);
    let (mut guest, hand) = guest(&table);
    let dead = tokio::spawn(async move {
        let claim = guest.seat.claimed().await;
        assert!(claim.hand_over(guest).is_ok());
    });
    let (guest, second) = table.claim(&hand.secret).await.unwrap();
    dead.await.unwrap();
    table.linger(guest, HOME);
    assert!(table.claim(&second).await.is_some());
}

#[tokio::test]
async fn a_secret_holds_until_the_client_has_the_next() {
    let table = table(LONG, 10);
    let (guest, hand) = guest(&table);
    table.linger(guest, HOME);
    let (guest, lost) = table.claim(&hand.secret).await.unwrap();
    // The answer that carried the next one did not arrive.
    table.linger(guest, HOME);
    let (guest, second) = table.claim(&hand.secret).await.unwrap();
    table.linger(guest, HOME);
    assert!(table.claim(&lost).await.is_none());
    let (guest, third) = table.claim(&second).await.unwrap();
    guest.seat.acknowledge();
    table.linger(guest, HOME);
    // A browser has answered for a page that may not have seen it.
    let (guest, fourth) = table.claim(&second).await.unwrap();
    guest.seat.acknowledge();
    guest.seat.acknowledge();
    table.linger(guest, HOME);
    for spent in [&hand.secret, &lost, &second, &third] {
        assert!(table.claim(spent).await.is_none());
    }
    assert!(table.claim(&fourth).await.is_some());
}

#[tokio::test]
async fn nobody_comes_back_with_another_secret() {
    let table = table(LONG, 10);
    let (one, ones) = guest(&table);
    let (two, twos) = guest(&table);
    table.linger(one, HOME);
    table.linger(two, HOME);
    let (person, _) = ones.secret.split_once('.').unwrap();
    let (_, foreign) = twos.secret.split_once('.').unwrap();
    let (short, _) = ones.secret.split_at(ones.secret.len() - 1);
    for wrong in [
        "",
        ".",
        "p1.x",
        person,
        short,
        &format!("{person}.{foreign}"),
    ] {
        assert!(table.claim(wrong).await.is_none(), "{wrong}");
    }
    assert_eq!(table.count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_session_ends_with_its_window_or_when_it_cannot_be_told_everything() {
    let table = table(Duration::from_millis(20), 10);
    let (one, hand) = guest(&table);
    table.linger(one, HOME);
    assert!(hand.end.await.is_err());
    assert!(table.claim(&hand.secret).await.is_none());
    let table = self::table(LONG, 10);
    let (two, hand) = guest(&table);
    table.linger(two, HOME);
    hand.happenings.send(Happening::TooSlow).unwrap();
    assert!(hand.end.await.is_err());
    assert!(table.claim(&hand.secret).await.is_none());
    assert!(table.lock().seats.is_empty());
}

#[tokio::test]
async fn one_who_asks_and_goes_takes_nothing_along() {
    let table = table(LONG, 10);
    let (guest, hand) = guest(&table);
    let asked = tokio::time::timeout(Duration::ZERO, table.claim(&hand.secret)).await;
    assert!(asked.is_err());
    table.linger(guest, HOME);
    assert!(table.claim(&hand.secret).await.is_some());
}

#[tokio::test]
async fn the_oldest_of_an_address_and_of_all_gives_way() {
    let table = table(LONG, MOST_PER_ADDRESS + 2);
    let mut hands = Vec::new();
    let mut linger = |address| {
        let (guest, hand) = guest(&table);
        table.linger(guest, address);
        hands.push(hand);
    };
    linger(Some(IpAddr::from([192, 0, 2, 2])));
    // Behind a proxy that hides them.
    linger(None);
    for _ in 0..=MOST_PER_ADDRESS {
        linger(HOME);
    }
    assert_eq!(table.count.load(Ordering::Relaxed), MOST_PER_ADDRESS + 2);
    linger(None);
    let mut ends = hands.into_iter().map(|hand| hand.end);
    let (other, hidden) = (ends.next().unwrap(), ends.next().unwrap());
    let (first, second) = (ends.next().unwrap(), ends.next().unwrap());
    assert!(first.await.is_err(), "the oldest of its address");
    assert!(other.await.is_err(), "the oldest of all");
    for mut stays in [hidden, second] {
        assert_eq!(stays.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }
}
