//! The agent against requests as browsers send them.

use std::net::SocketAddr;
use std::time::Duration;

use super::tuple::MAX_TUPLES;
use super::*;
use crate::output::{Path, Protocol, SocketKey};
use crate::params::{IceParameters, IceState, ListenInfo, PortRange, SocketFlags, Tuple};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::stun::{
    AttributeType, BindingRequest, Class, IceRole, IntegrityKey, Method, StunMessage, StunWriter,
    TransactionId,
};

const START: Instant = Instant::from_millis(1000);
const ID: TransactionId = TransactionId([7; 12]);

fn parameters(name: &str) -> IceParameters {
    IceParameters {
        username_fragment: format!("{name:x<32}"),
        password: format!("{name:p<32}"),
    }
}

fn path(port: u16) -> Path {
    Path {
        protocol: Protocol::Udp,
        socket: SocketKey(1),
        remote: SocketAddr::from(([192, 0, 2, 1], port)),
    }
}

#[derive(Clone, Copy, Default)]
struct Check {
    use_candidate: bool,
    nomination: Option<u32>,
}

const PLAIN: Check = Check {
    use_candidate: false,
    nomination: None,
};
const USE_CANDIDATE: Check = Check {
    use_candidate: true,
    nomination: None,
};

const fn nomination(count: u32) -> Check {
    Check {
        use_candidate: true,
        nomination: Some(count),
    }
}

struct Bench {
    agent: LiteAgent,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self::with_consent(30)
    }

    fn with_consent(seconds: u8) -> Self {
        let consent = ConsentTimeout::from_seconds(seconds);
        Self {
            agent: LiteAgent::new(parameters("one"), consent),
            now: START,
        }
    }

    fn give(&mut self, path: Path, request: &[u8]) -> Option<Vec<u8>> {
        let mut out = [0; 200];
        let view = StunMessage::new_checked(request).unwrap();
        let len =
            self.agent
                .handle_binding_request(self.now, path, &view, request.len(), &mut out)?;
        assert!(len <= request.len());
        Some(out[..len].to_vec())
    }

    /// An authenticated check with the credentials of `name`; the events that follow.
    fn check_as(&mut self, name: &str, path: Path, check: Check) -> Vec<IceEvent> {
        let answer = self.give(path, &request(name, check)).unwrap();
        let answer = StunMessage::new_checked(&answer).unwrap();
        assert_eq!(answer.class(), Class::SuccessResponse);
        self.events()
    }

    fn check(&mut self, path: Path, check: Check) -> Vec<IceEvent> {
        self.check_as("one", path, check)
    }

    fn events(&mut self) -> Vec<IceEvent> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    fn error_code(&mut self, request: &[u8]) -> Option<u16> {
        let answer = self.give(path(1), request)?;
        let answer = StunMessage::new_checked(&answer).unwrap();
        assert!(answer.verify_fingerprint());
        Some(answer.error_code().unwrap().code)
    }
}

fn key(name: &str) -> IntegrityKey {
    IntegrityKey::new(parameters(name).password.as_bytes())
}

fn request(name: &str, check: Check) -> Vec<u8> {
    let username = format!("{}:EsAw", parameters(name).username_fragment);
    let request = BindingRequest {
        transaction_id: ID,
        username: &username,
        priority: Some(1_845_501_695),
        role: Some(IceRole::Controlling(0x1234_5678_9abc_def0)),
        use_candidate: check.use_candidate,
        nomination: check.nomination,
    };
    let mut bytes = vec![0; 200];
    let len = request.write(&mut bytes, &key(name)).unwrap();
    bytes.truncate(len);
    bytes
}

/// A request made of single attributes; `signed` by the password of this name.
fn custom(
    attributes: &[(AttributeType, &[u8])],
    signed: Option<&str>,
    fingerprint: bool,
) -> Vec<u8> {
    let mut bytes = vec![0; 300];
    let mut message = StunWriter::new(&mut bytes, Class::Request, Method::BINDING, ID).unwrap();
    for (kind, value) in attributes {
        message.attribute(*kind, value).unwrap();
    }
    if let Some(name) = signed {
        message.message_integrity(&key(name)).unwrap();
    }
    let len = if fingerprint {
        message.fingerprint().unwrap()
    } else {
        message.len()
    };
    bytes.truncate(len);
    bytes
}

#[test]
fn a_check_is_answered_with_where_it_came_from() {
    let mut bench = Bench::new();
    let answer = bench.give(path(5000), &request("one", PLAIN)).unwrap();
    let answer = StunMessage::new_checked(&answer).unwrap();
    assert_eq!(answer.xor_mapped_address(), Some(path(5000).remote));
    assert_eq!(answer.transaction_id(), ID);
    assert!(answer.verify_integrity(&key("one")) && answer.verify_fingerprint());
    assert_eq!(*bench.agent.counters(), IceCounters::default());
}

#[test]
fn the_tuple_is_told_before_the_state() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.check(path(1), PLAIN),
        [
            IceEvent::PathAdded(path(1)),
            IceEvent::Selected(path(1)),
            IceEvent::State(IceState::Connected)
        ]
    );
    assert_eq!(bench.check(path(1), PLAIN), []);
    assert_eq!(
        bench.check(path(1), USE_CANDIDATE),
        [IceEvent::State(IceState::Completed)]
    );
    assert_eq!(bench.check(path(1), USE_CANDIDATE), []);
}

#[test]
fn a_first_check_that_nominates_completes_at_once() {
    for check in [USE_CANDIDATE, nomination(1), nomination(0)] {
        let mut bench = Bench::new();
        assert_eq!(
            bench.check(path(1), check),
            [
                IceEvent::PathAdded(path(1)),
                IceEvent::Selected(path(1)),
                IceEvent::State(IceState::Completed)
            ]
        );
    }
}

#[test]
fn a_plain_check_on_another_path_makes_it_valid_and_no_more() {
    let mut bench = Bench::new();
    bench.check(path(1), PLAIN);
    assert_eq!(bench.check(path(2), PLAIN), [IceEvent::PathAdded(path(2))]);
    assert_eq!(bench.agent.selected(), Some(path(1)));
    assert!(bench.agent.is_valid(path(2)) && !bench.agent.is_valid(path(3)));
    assert_eq!(
        bench.check(path(2), USE_CANDIDATE),
        [
            IceEvent::Selected(path(2)),
            IceEvent::State(IceState::Completed)
        ]
    );
    // Without counted nominations the latest one wins.
    assert_eq!(
        bench.check(path(1), USE_CANDIDATE),
        [IceEvent::Selected(path(1))]
    );
}

#[test]
fn traffic_brings_the_selection_to_the_path_that_the_remote_uses() {
    let mut bench = Bench::new();
    bench.check(path(1), USE_CANDIDATE);
    bench.check(path(2), USE_CANDIDATE);
    let mut traffic = |millis, on| {
        bench.now += Duration::from_millis(millis);
        bench.agent.handle_traffic(bench.now, path(on));
        bench.events()
    };
    // A packet on the previous path may have been under way before the change.
    assert_eq!(traffic(0, 1), []);
    assert_eq!(traffic(999, 1), []);
    assert_eq!(traffic(0, 2), []);
    assert_eq!(traffic(999, 1), []);
    assert_eq!(traffic(1, 3), [], "a path that is not valid");
    assert_eq!(traffic(0, 1), [IceEvent::Selected(path(1))]);
    assert_eq!(traffic(0, 2), []);
}

#[test]
fn a_remote_that_nominates_a_path_on_which_it_does_not_hear_us_keeps_the_other() {
    let mut bench = Bench::new();
    for on in [2, 1] {
        bench.check(path(on), USE_CANDIDATE);
    }
    bench.now += Duration::from_secs(1);
    bench.agent.handle_traffic(bench.now, path(2));
    assert_eq!(bench.events(), [IceEvent::Selected(path(2))]);
    // It nominates in every check, on either path.
    assert_eq!(bench.check(path(1), USE_CANDIDATE), []);
    assert_eq!(bench.check(path(2), USE_CANDIDATE), []);
    // A third path has a chance of its own, and traffic clears the first.
    bench.check(path(3), USE_CANDIDATE);
    assert_eq!(bench.agent.selected(), Some(path(3)));
    bench.now += Duration::from_secs(1);
    bench.agent.handle_traffic(bench.now, path(1));
    assert_eq!(bench.agent.selected(), Some(path(1)));
    bench.check(path(3), USE_CANDIDATE);
    assert_eq!(bench.agent.selected(), Some(path(1)));
    // A remote that counts its nominations is believed, and a restart begins anew.
    bench.check(path(3), nomination(1));
    assert_eq!(bench.agent.selected(), Some(path(3)));
    bench.agent.restart(bench.now, parameters("two"));
    bench.check_as("two", path(2), USE_CANDIDATE);
    assert_eq!(bench.agent.selected(), Some(path(2)));
}

#[test]
fn the_highest_nomination_wins() {
    let mut bench = Bench::new();
    bench.check(path(1), nomination(3));
    assert_eq!(
        bench.check(path(2), nomination(2)),
        [IceEvent::PathAdded(path(2))]
    );
    assert_eq!(bench.check(path(2), nomination(3)), []);
    assert_eq!(bench.check(path(2), USE_CANDIDATE), []);
    assert_eq!(
        bench.check(path(2), nomination(4)),
        [IceEvent::Selected(path(2))]
    );
    assert_eq!(bench.check(path(1), nomination(3)), []);
    assert_eq!(bench.agent.selected(), Some(path(2)));
}

#[test]
fn either_number_of_the_nomination_attribute_counts() {
    for kind in [AttributeType::NOMINATION, AttributeType::GOOG_NOMINATION] {
        let mut bench = Bench::new();
        bench.check(path(1), nomination(1));
        let username = format!("{}:EsAw", parameters("one").username_fragment);
        let request = custom(
            &[
                (AttributeType::USERNAME, username.as_bytes()),
                (AttributeType::PRIORITY, &[0, 0, 0, 1]),
                (kind, &[0, 0, 0, 2]),
            ],
            Some("one"),
            true,
        );
        bench.give(path(2), &request).unwrap();
        assert_eq!(bench.agent.selected(), Some(path(2)));
    }
}

#[test]
fn nine_paths_leave_the_selected_one_and_the_seven_latest_of_the_others() {
    let mut bench = Bench::new();
    for port in 1..=8 {
        bench.check(path(port), PLAIN);
        bench.now += Duration::from_millis(1);
    }
    // Path 2 sends again, so path 3 is the one that was silent for longest.
    bench.check(path(2), PLAIN);
    assert_eq!(
        bench.check(path(9), PLAIN),
        [IceEvent::PathRemoved(path(3)), IceEvent::PathAdded(path(9))]
    );
    assert_eq!(bench.agent.valid_paths().count(), MAX_TUPLES);
    assert_eq!(bench.agent.selected(), Some(path(1)));
}

#[test]
fn paths_that_differ_in_one_field_are_different() {
    let mut bench = Bench::new();
    bench.check(path(1), PLAIN);
    let tcp = Path {
        protocol: Protocol::Tcp,
        ..path(1)
    };
    let other_socket = Path {
        socket: SocketKey(2),
        ..path(1)
    };
    assert!(!bench.agent.is_valid(tcp) && !bench.agent.is_valid(other_socket));
}

#[test]
fn consent_runs_out_without_checks_on_the_selected_path() {
    let mut bench = Bench::with_consent(10);
    bench.check(path(1), PLAIN);
    bench.now += Duration::from_secs(6);
    bench.check(path(1), PLAIN);
    bench.now += Duration::from_secs(9);
    // Checks on other paths are no consent.
    bench.check(path(2), PLAIN);
    assert_eq!(
        bench.agent.deadline(),
        Some(bench.now + Duration::from_secs(1))
    );
    bench.agent.handle_timeout(bench.now);
    assert_eq!(bench.events(), []);
    bench.now += Duration::from_secs(1);
    bench.agent.handle_timeout(bench.now);
    assert_eq!(
        bench.events(),
        [
            IceEvent::PathRemoved(path(1)),
            IceEvent::PathRemoved(path(2)),
            IceEvent::State(IceState::Disconnected)
        ]
    );
    assert_eq!(
        (bench.agent.selected(), bench.agent.deadline()),
        (None, None)
    );
    assert!(!bench.agent.is_valid(path(1)));
    // The remote may come back.
    let events = bench.check(path(2), USE_CANDIDATE);
    assert_eq!(events.last(), Some(&IceEvent::State(IceState::Completed)));
    assert!(bench.agent.deadline().is_some());
}

#[test]
fn without_a_timeout_consent_never_runs_out() {
    let mut bench = Bench::with_consent(0);
    bench.check(path(1), PLAIN);
    assert_eq!(bench.agent.deadline(), None);
    bench
        .agent
        .handle_timeout(START + Duration::from_secs(100_000));
    assert_eq!(bench.agent.state(), IceState::Connected);
}

#[test]
fn a_forged_check_is_no_consent() {
    let mut bench = Bench::with_consent(10);
    bench.check(path(1), PLAIN);
    let deadline = bench.agent.deadline();
    bench.now += Duration::from_secs(5);
    let mut forged = request("one", PLAIN);
    let integrity = forged.len() - 8 - 20;
    forged[integrity] ^= 1;
    let view = StunMessage::new_checked(&forged).unwrap();
    assert!(!view.verify_fingerprint());
    assert_eq!(bench.give(path(1), &forged), None);
    assert_eq!(bench.agent.deadline(), deadline);
}

#[test]
fn a_closed_connection_gives_its_place_to_the_latest_path() {
    let mut bench = Bench::new();
    for port in [1, 2, 3] {
        bench.check(path(port), USE_CANDIDATE);
        bench.now += Duration::from_millis(1);
    }
    bench.check(path(1), PLAIN);
    bench.agent.remove_path(bench.now, path(3));
    assert_eq!(
        bench.events(),
        [IceEvent::PathRemoved(path(3)), IceEvent::Selected(path(1))]
    );
    bench.agent.remove_path(bench.now, path(2));
    assert_eq!(bench.events(), [IceEvent::PathRemoved(path(2))]);
    bench.agent.remove_path(bench.now, path(2));
    assert_eq!(bench.events(), []);
    bench.agent.remove_path(bench.now, path(1));
    assert_eq!(
        bench.events(),
        [
            IceEvent::PathRemoved(path(1)),
            IceEvent::State(IceState::Disconnected)
        ]
    );
    assert_eq!(bench.agent.deadline(), None);
}

#[test]
fn old_credentials_live_until_the_new_ones_are_used() {
    let mut bench = Bench::new();
    bench.check(path(1), nomination(5));
    bench.agent.restart(bench.now, parameters("two"));
    assert_eq!(bench.agent.parameters(), &parameters("two"));
    assert_eq!(bench.agent.username_fragments().count(), 2);
    assert_eq!(bench.check(path(1), PLAIN), []);
    let retired = IceEvent::UsernameFragmentRetired(parameters("one").username_fragment);
    // The count of nominations starts over.
    assert_eq!(
        bench.check_as("two", path(2), nomination(1)),
        [
            retired,
            IceEvent::PathAdded(path(2)),
            IceEvent::Selected(path(2))
        ]
    );
    assert_eq!(bench.give(path(1), &request("one", PLAIN)), None);
    assert_eq!(bench.agent.counters().unknown_username, 1);
    assert_eq!(bench.agent.state(), IceState::Completed);
}

#[test]
fn a_second_restart_retires_the_first_credentials() {
    let mut bench = Bench::new();
    bench.agent.restart(bench.now, parameters("two"));
    bench.agent.restart(bench.now, parameters("three"));
    let retired = IceEvent::UsernameFragmentRetired(parameters("one").username_fragment);
    assert_eq!(bench.events(), [retired]);
    assert_eq!(bench.give(path(1), &request("one", PLAIN)), None);
    bench.check_as("two", path(1), PLAIN);
    bench.check_as("three", path(1), PLAIN);
}

#[test]
fn a_restart_gives_time() {
    let mut bench = Bench::with_consent(10);
    bench.agent.restart(bench.now, parameters("one"));
    assert_eq!(bench.agent.deadline(), None);
    bench.check(path(1), PLAIN);
    bench.now += Duration::from_secs(9);
    bench.agent.restart(bench.now, parameters("two"));
    assert_eq!(
        bench.agent.deadline(),
        Some(bench.now + Duration::from_secs(10))
    );
}

#[test]
fn requests_that_are_wrong_are_refused_by_the_rule() {
    let mut bench = Bench::new();
    let username = format!("{}:EsAw", parameters("one").username_fragment);
    let username = (AttributeType::USERNAME, username.as_bytes());
    let priority = (AttributeType::PRIORITY, &[0, 0, 0, 1][..]);
    let controlled = (AttributeType::ICE_CONTROLLED, &[0; 8][..]);
    let one = Some("one");

    let no_fingerprint = custom(&[username, priority], one, false);
    assert_eq!(bench.error_code(&no_fingerprint), Some(400));
    let no_priority = custom(&[username], one, true);
    assert_eq!(bench.error_code(&no_priority), Some(400));
    let no_integrity = custom(&[username, priority], None, true);
    assert_eq!(bench.error_code(&no_integrity), Some(401));
    let wrong_password = custom(&[username, priority], Some("two"), true);
    assert_eq!(bench.error_code(&wrong_password), Some(401));
    let two_controlled = custom(&[username, priority, controlled], one, true);
    assert_eq!(bench.error_code(&two_controlled), Some(487));
    let answer = bench.give(path(1), &two_controlled).unwrap();
    let answer = StunMessage::new_checked(&answer).unwrap();
    assert!(answer.verify_integrity(&key("one")));

    let no_username = custom(&[priority], one, true);
    assert_eq!(bench.error_code(&no_username), None);
    let stranger = custom(
        &[(AttributeType::USERNAME, b"stranger:EsAw"), priority],
        one,
        true,
    );
    assert_eq!(bench.error_code(&stranger), None);
    let mut wrong_fingerprint = custom(&[username, priority], one, true);
    *wrong_fingerprint.last_mut().unwrap() ^= 1;
    assert_eq!(bench.error_code(&wrong_fingerprint), None);

    let expected = IceCounters {
        bad_request: 2,
        unauthorized: 2,
        role_conflict: 2,
        unknown_username: 2,
        wrong_fingerprint: 1,
        ..IceCounters::default()
    };
    assert_eq!(*bench.agent.counters(), expected);
    assert_eq!(bench.agent.state(), IceState::New);
    assert_eq!(bench.events(), []);
    assert!(!bench.agent.is_valid(path(1)));
}

#[test]
fn what_is_no_request_is_not_answered() {
    let mut bench = Bench::new();
    for class in [
        Class::Indication,
        Class::SuccessResponse,
        Class::ErrorResponse,
    ] {
        let mut bytes = [0; 100];
        let message = StunWriter::new(&mut bytes, class, Method::BINDING, ID).unwrap();
        let len = message.fingerprint().unwrap();
        assert_eq!(bench.give(path(1), &bytes[..len]), None);
    }
    let mut bytes = [0; 100];
    let message = StunWriter::new(&mut bytes, Class::Request, Method(3), ID).unwrap();
    let len = message.fingerprint().unwrap();
    assert_eq!(bench.give(path(1), &bytes[..len]), None);
    assert_eq!(bench.agent.counters().not_a_request, 4);
}

/// SECURITY: an answer is never larger than the request.
#[test]
fn no_answer_is_larger_than_its_request() {
    let mut bench = Bench::new();
    // What Chromium sends has USERNAME, GOOG-NETWORK-INFO, ICE-CONTROLLING, USE-CANDIDATE and
    // PRIORITY besides the two checks.
    let username = format!("{}:EsAw", parameters("one").username_fragment);
    let browser = custom(
        &[
            (AttributeType::USERNAME, username.as_bytes()),
            (AttributeType(0xc057), &[0, 1, 0, 10]),
            (AttributeType::ICE_CONTROLLING, &[0; 8]),
            (AttributeType::USE_CANDIDATE, &[]),
            (AttributeType::PRIORITY, &[110, 0, 30, 255]),
        ],
        Some("one"),
        true,
    );
    assert_eq!(browser.len(), 128);
    let answer = bench.give(path(1), &browser).unwrap();
    assert_eq!(answer.len(), 64);
    let ipv6 = Path {
        remote: "[2001:db8::1]:5000".parse().unwrap(),
        ..path(1)
    };
    assert_eq!(bench.give(ipv6, &browser).unwrap().len(), 76);
    // The shortest messages that get an answer at all.
    let fragment = parameters("one").username_fragment;
    let name = (AttributeType::USERNAME, fragment.as_bytes());
    let priority = (AttributeType::PRIORITY, &[0; 4][..]);
    let shortest = custom(&[name], None, false);
    assert_eq!(bench.give(path(1), &shortest).unwrap().len(), 48);
    assert_eq!(shortest.len(), 56);
    let unsigned = custom(&[name, priority], None, true);
    assert_eq!(bench.give(path(1), &unsigned).unwrap().len(), 48);
    // And one that would get a longer one.
    let mut agent = LiteAgent::new(
        IceParameters {
            username_fragment: "a".to_owned(),
            password: "b".to_owned(),
        },
        ConsentTimeout::from_seconds(0),
    );
    let tiny = custom(&[(AttributeType::USERNAME, b"a:b")], None, false);
    let view = StunMessage::new_checked(&tiny).unwrap();
    let mut out = [0; 200];
    let answer = agent.handle_binding_request(START, path(1), &view, tiny.len(), &mut out);
    assert_eq!(answer, None);
    assert_eq!(agent.counters().would_amplify, 1);
}

#[test]
fn mutated_requests_change_nothing() {
    let mut bench = Bench::new();
    bench.check(path(1), USE_CANDIDATE);
    let original = request("one", nomination(9));
    let mut rng = Rng::new([5; 32]);
    let mut parsed = 0;
    for _ in 0..50_000 {
        let mut hostile = original.clone();
        for _ in 0..=rng.below(2) {
            let at = rng.below(u32::try_from(hostile.len()).unwrap()) as usize;
            hostile[at] ^= 1 << rng.below(8);
        }
        if hostile == original {
            continue;
        }
        // A forger can always make the CRC right.
        let covered = hostile.len() - 8;
        let crc = crc32fast::hash(&hostile[..covered]) ^ 0x5354_554e;
        hostile[covered + 4..].copy_from_slice(&crc.to_be_bytes());
        if StunMessage::new_checked(&hostile).is_ok() && hostile != original {
            parsed += 1;
            bench.give(path(2), &hostile);
        }
    }
    assert!(parsed > 10_000, "{parsed}");
    assert_eq!(bench.events(), []);
    assert_eq!(bench.agent.selected(), Some(path(1)));
    assert!(!bench.agent.is_valid(path(2)));
}

#[test]
fn the_channel_sees_the_announced_address() {
    let mut listen = ListenInfo {
        protocol: Protocol::Udp,
        ip: "10.0.0.1".to_owned(),
        announced_address: None,
        expose_internal_ip: false,
        port: 0,
        port_range: PortRange::default(),
        flags: SocketFlags::default(),
        send_buffer_size: 0,
        recv_buffer_size: 0,
    };
    let local = "10.0.0.1:4000".parse().unwrap();
    let shown = Tuple::new(path(5000), &listen, local);
    assert_eq!(shown.local_address, "10.0.0.1");
    assert_eq!((shown.local_port, shown.remote_port), (4000, 5000));
    assert_eq!(shown.remote_ip.as_deref(), Some("192.0.2.1"));
    listen.announced_address = Some("sfu.example.org".to_owned());
    let shown = Tuple::new(path(5000), &listen, local);
    assert_eq!(shown.local_address, "sfu.example.org");
}
