//! H264 profiles and levels.

use std::fmt;

use crate::rtp::{CodecParameters, ParameterValue};

/// Whether two H264 codecs have the same profile; levels do not matter.
pub(super) fn same_profile(a: &CodecParameters, b: &CodecParameters) -> bool {
    match (ProfileLevelId::of(a), ProfileLevelId::of(b)) {
        (Some(a), Some(b)) => a.profile == b.profile,
        _ => false,
    }
}

/// Sets `profile-level-id` of `local` to what both sides can do: its own level when both allow
/// level asymmetry, else the lower one (RFC 6184 §8.2.2). Removes it when neither side
/// says anything. The profiles must be the same.
pub(super) fn settle_profile_level_id(local: &mut CodecParameters, remote: &CodecParameters) {
    if local.given(PROFILE_LEVEL_ID).is_none() && remote.given(PROFILE_LEVEL_ID).is_none() {
        local.remove(PROFILE_LEVEL_ID);
        return;
    }
    let (Some(own), Some(other)) = (ProfileLevelId::of(local), ProfileLevelId::of(remote)) else {
        return;
    };
    let level = if allows_level_asymmetry(local) && allows_level_asymmetry(remote) {
        own.level
    } else {
        own.level.lower(other.level)
    };
    let settled = ProfileLevelId { level, ..own };
    local.set(PROFILE_LEVEL_ID, settled.to_string().as_str());
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    PredictiveHigh444,
}

/// `level_idc` of a level; 1b, which shares its `level_idc` with 1.1, is a value of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    OneB,
    Idc(u8),
}

impl Level {
    /// The lower of two levels in libwebrtc's order, which browsers use too. Between 1b and any
    /// level but 1 it takes the level of this side.
    fn lower(self, other: Self) -> Self {
        let is_less = match (self, other) {
            (Self::OneB, Self::OneB) => false,
            (Self::OneB, Self::Idc(idc)) | (Self::Idc(idc), Self::OneB) => idc != LEVEL_1,
            (Self::Idc(own), Self::Idc(other)) => own < other,
        };
        if is_less { self } else { other }
    }
}

/// `profile-level-id` (RFC 6184 §8.1): profile_idc, constraint flags and level_idc.
#[derive(Clone, Copy)]
struct ProfileLevelId {
    profile: Profile,
    level: Level,
}

impl ProfileLevelId {
    /// Reads the parameter; none when it names an unknown profile or level.
    ///
    /// An absent one is read as Constrained Baseline level 3.1, as libwebrtc does, and not as
    /// Baseline level 1, which RFC 6184 infers.
    fn of(parameters: &CodecParameters) -> Option<Self> {
        match parameters.given(PROFILE_LEVEL_ID) {
            None => Some(Self {
                profile: Profile::ConstrainedBaseline,
                level: Level::Idc(LEVEL_3_1),
            }),
            Some(ParameterValue::String(text)) => Self::parse(text),
            Some(_) => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, profile_idc, constraints, level_idc] =
            u32::from_str_radix(text, 16).ok()?.to_be_bytes();
        let level = match level_idc {
            LEVEL_1_1 if constraints & CONSTRAINT_SET3 != 0 => Level::OneB,
            known if LEVELS.contains(&known) => Level::Idc(known),
            _ => return None,
        };
        let (profile, ..) = PROFILES
            .iter()
            .find(|(_, idc, mask, value)| *idc == profile_idc && constraints & mask == *value)?;
        Some(Self {
            profile: *profile,
            level,
        })
    }
}

impl fmt::Display for ProfileLevelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (profile, constraints) = match self.profile {
            Profile::ConstrainedBaseline => (0x42, 0xe0),
            Profile::Baseline => (0x42, 0x00),
            Profile::Main => (0x4d, 0x00),
            Profile::ConstrainedHigh => (0x64, 0x0c),
            Profile::High => (0x64, 0x00),
            Profile::PredictiveHigh444 => (0xf4, 0x00),
        };
        let (constraints, level) = match self.level {
            Level::OneB => (constraints | CONSTRAINT_SET3, LEVEL_1_1),
            Level::Idc(level) => (constraints, level),
        };
        write!(f, "{profile:02x}{constraints:02x}{level:02x}")
    }
}

fn allows_level_asymmetry(parameters: &CodecParameters) -> bool {
    match parameters.get("level-asymmetry-allowed") {
        Some(ParameterValue::Integer(number)) => *number == 1,
        Some(ParameterValue::String(text)) => text == "1",
        _ => false,
    }
}

const PROFILE_LEVEL_ID: &str = "profile-level-id";
const CONSTRAINT_SET3: u8 = 0x10;
const LEVEL_1: u8 = 10;
const LEVEL_1_1: u8 = 11;
const LEVEL_3_1: u8 = 31;
const LEVELS: [u8; 16] = [
    10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52,
];

/// Profiles by profile_idc and constraint flags: mask and value under the mask
/// (RFC 6184, table 5, and ITU-T H.264, annex A).
const PROFILES: [(Profile, u8, u8, u8); 9] = [
    (Profile::ConstrainedBaseline, 0x42, 0b0100_1111, 0b0100_0000),
    (Profile::ConstrainedBaseline, 0x4d, 0b1000_1111, 0b1000_0000),
    (Profile::ConstrainedBaseline, 0x58, 0b1100_1111, 0b1100_0000),
    (Profile::Baseline, 0x42, 0b0100_1111, 0b0000_0000),
    (Profile::Baseline, 0x58, 0b1100_1111, 0b1000_0000),
    (Profile::Main, 0x4d, 0b1010_1111, 0b0000_0000),
    (Profile::High, 0x64, 0b1111_1111, 0b0000_0000),
    (Profile::ConstrainedHigh, 0x64, 0b1111_1111, 0b0000_1100),
    (Profile::PredictiveHigh444, 0xf4, 0b1111_1111, 0b0000_0000),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(profile_level_id: &str, asymmetry: i32) -> CodecParameters {
        CodecParameters::from([
            (PROFILE_LEVEL_ID, profile_level_id.into()),
            ("level-asymmetry-allowed", asymmetry.into()),
        ])
    }

    fn settled(own: &str, other: &str, asymmetry: i32) -> String {
        let mut local = parameters(own, asymmetry);
        settle_profile_level_id(&mut local, &parameters(other, asymmetry));
        let value = local.get(PROFILE_LEVEL_ID).and_then(ParameterValue::as_str);
        value.unwrap_or_default().to_owned()
    }

    #[test]
    fn profiles_are_told_apart_by_their_constraints() {
        let same = |a, b| same_profile(&parameters(a, 0), &parameters(b, 0));
        assert!(same("42e01f", "4DE00A"));
        assert!(same("42001f", "58a01f"));
        assert!(!same("42e01f", "42001f"));
        assert!(!same("640c1f", "64001f"));
        assert!(!same("42e0ff", "42e0ff"), "no such level");
        assert!(!same("xx", "xx"));
    }

    #[test]
    fn the_lower_level_is_taken_unless_asymmetry_is_allowed() {
        assert_eq!(settled("42e034", "42e01f", 0), "42e01f");
        assert_eq!(settled("42e034", "42e01f", 1), "42e034");
        assert_eq!(
            settled("42b00b", "42001f", 0),
            "42100b",
            "level 1b of Baseline"
        );
    }
}
