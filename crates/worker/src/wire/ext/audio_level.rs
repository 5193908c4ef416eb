//! `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464).

/// How loud a packet of audio is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AudioLevel {
    /// Whether the sender believes that there is voice in it.
    pub voice_activity: bool,
    /// Decibels below the overload point, 0 (loudest) to 127 (silence): −level dBov.
    pub level: u8,
}

impl AudioLevel {
    /// Length of the value in the one-byte form, in bytes.
    pub const LEN: usize = 1;

    /// Reads an element's value. In the two-byte form a byte of padding may follow
    /// (RFC 6464 §3).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let byte = value.first()?;
        Some(Self {
            voice_activity: byte & 0x80 != 0,
            level: byte & 0x7f,
        })
    }

    /// The bytes of the element's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        [(self.voice_activity as u8) << 7 | self.level & 0x7f]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voice_is_the_upper_bit() {
        let level = AudioLevel {
            voice_activity: true,
            level: 42,
        };
        assert_eq!(level.to_bytes(), [0x80 | 42]);
        assert_eq!(AudioLevel::parse(&[0x80 | 42]), Some(level));
        assert_eq!(
            AudioLevel::parse(&[127, 0]),
            Some(AudioLevel {
                voice_activity: false,
                level: 127
            })
        );
        assert_eq!(AudioLevel::parse(&[]), None);
    }
}
