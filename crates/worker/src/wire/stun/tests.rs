//! The vectors of RFC 5769, and messages that are malformed or changed.

use std::net::SocketAddr;

use super::*;

/// RFC 5769 §2.1.
const SAMPLE_REQUEST: &[u8] = &[
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
];

/// RFC 5769 §2.2.
const SAMPLE_IPV4_RESPONSE: &[u8] = &[
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
];

/// RFC 5769 §2.3.
const SAMPLE_IPV6_RESPONSE: &[u8] = &[
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
];

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

const ID: TransactionId = TransactionId([
    0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
]);

fn key() -> IntegrityKey {
    IntegrityKey::new(PASSWORD)
}

fn checked(bytes: &[u8]) -> StunMessage<'_> {
    StunMessage::new_checked(bytes).unwrap()
}

#[test]
fn the_request_of_rfc_5769_reads_and_verifies() {
    let request = checked(SAMPLE_REQUEST);
    assert_eq!(request.class(), Class::Request);
    assert_eq!(request.method(), Method::BINDING);
    assert_eq!(request.transaction_id(), ID);
    assert_eq!(request.software(), Some(&b"STUN test client"[..]));
    assert_eq!(request.priority(), Some(0x6e00_01ff));
    assert_eq!(request.ice_controlled(), Some(0x932f_f9b1_5126_3b36));
    assert_eq!(request.ice_controlling(), None);
    assert_eq!(request.username(), Some(&b"evtj:h6vY"[..]));
    assert_eq!(request.local_username_fragment(), Some(&b"evtj"[..]));
    assert!(!request.use_candidate());
    assert!(request.verify_fingerprint());
    assert!(request.verify_integrity(&key()));
    assert!(!request.verify_integrity(&IntegrityKey::new(b"another")));
}

#[test]
fn the_responses_of_rfc_5769_read_and_verify() {
    for (bytes, address) in [
        (SAMPLE_IPV4_RESPONSE, "192.0.2.1:32853"),
        (
            SAMPLE_IPV6_RESPONSE,
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
        ),
    ] {
        let response = checked(bytes);
        assert_eq!(response.class(), Class::SuccessResponse);
        assert_eq!(response.software(), Some(&b"test vector"[..]));
        assert_eq!(response.xor_mapped_address(), address.parse().ok());
        assert!(response.verify_fingerprint());
        assert!(response.verify_integrity(&key()));
    }
}

#[test]
fn no_bit_of_a_message_can_be_changed() {
    for bytes in [SAMPLE_REQUEST, SAMPLE_IPV4_RESPONSE, SAMPLE_IPV6_RESPONSE] {
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.to_vec();
            forged[bit / 8] ^= 1 << (bit % 8);
            let trusted = StunMessage::new_checked(&forged).is_ok_and(|message| {
                message.verify_fingerprint() && message.verify_integrity(&key())
            });
            assert!(!trusted, "bit {bit} of {} bytes", bytes.len());
        }
        for len in 0..bytes.len() {
            assert!(StunMessage::new_checked(&bytes[..len]).is_err());
        }
    }
}

#[test]
fn what_is_written_has_the_bytes_of_rfc_5769() {
    // The RFC pads attributes with spaces, but a writer may choose zeros. So we compare the parts
    // before the first padding.
    let mut buffer = [0xff; 200];
    let address: SocketAddr = "192.0.2.1:32853".parse().unwrap();
    let len = write_success(&mut buffer, ID, address, &key()).unwrap();
    assert_eq!(len, 64);
    assert_eq!(buffer[20..32], SAMPLE_IPV4_RESPONSE[36..48]);
    let response = checked(&buffer[..len]);
    assert_eq!(response.xor_mapped_address(), Some(address));
    assert!(response.verify_fingerprint() && response.verify_integrity(&key()));

    let address: SocketAddr = "[2001:db8:1234:5678:11:2233:4455:6677]:32853"
        .parse()
        .unwrap();
    let len = write_success(&mut buffer, ID, address, &key()).unwrap();
    assert_eq!(len, 76);
    assert_eq!(buffer[20..44], SAMPLE_IPV6_RESPONSE[36..60]);

    // The whole sample request, its padding included.
    let sample = checked(SAMPLE_REQUEST);
    let mut message = StunWriter::new(&mut buffer, Class::Request, Method::BINDING, ID).unwrap();
    for attribute in sample.attributes() {
        let mut value = attribute.value.to_vec();
        let len = value.len();
        value.resize(len.next_multiple_of(4), b' ');
        message.attribute(attribute.kind, &value).unwrap();
    }
    let mut expected = SAMPLE_REQUEST[..SAMPLE_REQUEST.len() - 32].to_vec();
    // USERNAME now counts its padding.
    expected[63] = 12;
    expected[3] = 0x38;
    let len = message.len();
    assert_eq!(buffer[..len], expected);
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_told_as_ipv4() {
    let mut buffer = [0; 100];
    let address: SocketAddr = "[::ffff:192.0.2.1]:32853".parse().unwrap();
    let len = write_success(&mut buffer, ID, address, &key()).unwrap();
    assert_eq!(
        checked(&buffer[..len]).xor_mapped_address(),
        "192.0.2.1:32853".parse().ok()
    );
}

#[test]
fn a_written_request_reads_back() {
    let request = BindingRequest {
        transaction_id: ID,
        username: "local:remote",
        priority: Some(7),
        role: Some(IceRole::Controlling(0x0102_0304_0506_0708)),
        use_candidate: true,
        nomination: Some(3),
    };
    let mut buffer = [0; 200];
    let len = request.write(&mut buffer, &key()).unwrap();
    let read = checked(&buffer[..len]);
    assert_eq!(read.local_username_fragment(), Some(&b"local"[..]));
    assert_eq!(read.priority(), Some(7));
    assert_eq!(read.ice_controlling(), Some(0x0102_0304_0506_0708));
    assert_eq!(read.nomination(), Some(3));
    assert!(read.use_candidate());
    assert!(read.verify_fingerprint() && read.verify_integrity(&key()));
    assert_eq!(request.write(&mut buffer[..len - 1], &key()), None);
}

#[test]
fn an_error_response_carries_code_and_reason() {
    let mut buffer = [0; 100];
    for key_if_any in [None, Some(key())] {
        let len = write_error(&mut buffer, ID, 487, "Role Conflict", key_if_any.as_ref()).unwrap();
        let response = checked(&buffer[..len]);
        assert_eq!(response.class(), Class::ErrorResponse);
        assert_eq!(
            response.error_code(),
            Some(ErrorCode {
                code: 487,
                reason: b"Role Conflict"
            })
        );
        assert_eq!(response.has_integrity(), key_if_any.is_some());
        assert_eq!(response.verify_integrity(&key()), key_if_any.is_some());
        assert!(response.verify_fingerprint());
    }
    assert_eq!(write_error(&mut buffer, ID, 200, "", None), None);
}

#[test]
fn attributes_behind_the_integrity_are_not_seen() {
    let mut buffer = [0; 200];
    let mut message = StunWriter::new(&mut buffer, Class::Request, Method::BINDING, ID).unwrap();
    message
        .attribute(AttributeType::PRIORITY, &[0, 0, 0, 1])
        .unwrap();
    message.message_integrity(&key()).unwrap();
    message
        .attribute(AttributeType::USE_CANDIDATE, &[])
        .unwrap();
    message
        .attribute(AttributeType::MESSAGE_INTEGRITY, &[0; 3])
        .unwrap();
    let len = message.fingerprint().unwrap();
    let read = checked(&buffer[..len]);
    assert_eq!(read.priority(), Some(1));
    assert!(!read.use_candidate());
    assert!(read.verify_integrity(&key()));
    assert!(read.verify_fingerprint());
}

#[test]
fn each_malformed_message_has_a_name() {
    let error = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = SAMPLE_REQUEST.to_vec();
        change(&mut bytes);
        StunMessage::new_checked(&bytes).unwrap_err()
    };
    assert_eq!(error(&|b| b.truncate(19)), StunError::TooShort);
    assert_eq!(error(&|b| b[0] = 0x80), StunError::FirstBits);
    assert_eq!(error(&|b| b[7] = 0), StunError::MagicCookie);
    assert_eq!(error(&|b| b[3] += 4), StunError::Length);
    assert_eq!(error(&|b| b.push(0)), StunError::Length);
    assert_eq!(error(&|b| b[22] = 1), StunError::Attribute);
    assert_eq!(error(&|b| b[79] = 19), StunError::MessageIntegrity);
    assert_eq!(error(&|b| b[103] = 3), StunError::Fingerprint);
    let not_last = error(&|b| {
        b.extend([0x80, 0x22, 0, 0]);
        b[3] += 4;
    });
    assert_eq!(not_last, StunError::Fingerprint);
}

#[test]
fn classes_and_methods_share_the_type_without_loss() {
    let classes = [
        Class::Request,
        Class::Indication,
        Class::SuccessResponse,
        Class::ErrorResponse,
    ];
    for method in [0, 1, 0x0f, 0x10, 0x7f, 0x80, 0xabc, 0xfff] {
        for class in classes {
            let mut buffer = [0; 20];
            let message = StunWriter::new(&mut buffer, class, Method(method), ID).unwrap();
            assert!(message.is_empty());
            let read = checked(&buffer);
            assert_eq!((read.class(), read.method()), (class, Method(method)));
        }
    }
}
