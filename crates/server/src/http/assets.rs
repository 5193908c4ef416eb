//! The files of `web/`, in the binary.

/// A file of the page.
pub(super) struct Asset {
    /// Below `/static/`.
    path: &'static str,
    pub(super) media_type: &'static str,
    pub(super) content: &'static [u8],
}

impl Asset {
    /// A name for this very content (RFC 9110 §8.8.3).
    pub(super) fn tag(&self) -> String {
        // FNV-1a is enough: the tag must change with the content, and nobody gains anything by
        // forging it.
        let hash = self
            .content
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        format!("\"{hash:016x}\"")
    }
}

pub(super) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

pub(super) static PAGE: Asset = Asset {
    path: "",
    media_type: "text/html; charset=utf-8",
    content: include_bytes!("../../web/index.html"),
};

macro_rules! asset {
    ($path:literal, $media_type:literal) => {
        Asset {
            path: $path,
            media_type: $media_type,
            content: include_bytes!(concat!("../../web/", $path)),
        }
    };
}

static ASSETS: &[Asset] = &[
    asset!("icon.svg", "image/svg+xml"),
    asset!("style/base.css", "text/css; charset=utf-8"),
    asset!("style/lobby.css", "text/css; charset=utf-8"),
    asset!("style/room.css", "text/css; charset=utf-8"),
    asset!("js/visit.js", "text/javascript; charset=utf-8"),
    asset!("js/reconnect.js", "text/javascript; charset=utf-8"),
    asset!("js/own-tracks.js", "text/javascript; charset=utf-8"),
    asset!("js/main.js", "text/javascript; charset=utf-8"),
    asset!("js/signaling.js", "text/javascript; charset=utf-8"),
    asset!("js/connection.js", "text/javascript; charset=utf-8"),
    asset!("js/devices.js", "text/javascript; charset=utf-8"),
    asset!("js/door.js", "text/javascript; charset=utf-8"),
    asset!("js/dom.js", "text/javascript; charset=utf-8"),
    asset!("js/encryption.js", "text/javascript; charset=utf-8"),
    asset!("js/encryption-worker.js", "text/javascript; charset=utf-8"),
    asset!("js/frame-cipher.js", "text/javascript; charset=utf-8"),
    asset!("js/icons.js", "text/javascript; charset=utf-8"),
    asset!("js/link.js", "text/javascript; charset=utf-8"),
    asset!("js/lobby.js", "text/javascript; charset=utf-8"),
    asset!("js/moving.js", "text/javascript; charset=utf-8"),
    asset!("js/ringing.js", "text/javascript; charset=utf-8"),
    asset!("js/room.js", "text/javascript; charset=utf-8"),
    asset!("js/call.js", "text/javascript; charset=utf-8"),
    asset!("js/chat.js", "text/javascript; charset=utf-8"),
    asset!("js/people.js", "text/javascript; charset=utf-8"),
    asset!("js/speaking.js", "text/javascript; charset=utf-8"),
    asset!("js/stage.js", "text/javascript; charset=utf-8"),
    asset!("js/statistics.js", "text/javascript; charset=utf-8"),
    asset!("js/token.js", "text/javascript; charset=utf-8"),
    asset!("js/store.js", "text/javascript; charset=utf-8"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut files = Vec::new();
        let mut directories = vec![web.clone()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let relative = path.strip_prefix(&web).unwrap();
                    files.push(relative.to_str().unwrap().to_owned());
                }
            }
        }
        for file in files.iter().filter(|file| *file != "index.html") {
            assert!(find(file).is_some(), "{file} is not in the list");
        }
    }

    #[test]
    fn nothing_of_the_page_comes_from_elsewhere() {
        for asset in ASSETS.iter().chain([&PAGE]) {
            let text = std::str::from_utf8(asset.content).unwrap();
            let text = text.replace("http://www.w3.org/", "");
            for scheme in ["http://", "https://"] {
                assert!(!text.contains(scheme), "{} has {scheme}", asset.path);
            }
            assert!(!text.contains("innerHTML"), "{} writes markup", asset.path);
        }
    }

    #[test]
    fn a_tag_names_the_content() {
        assert_ne!(PAGE.tag(), ASSETS[0].tag());
        assert_eq!(PAGE.tag().len(), 18);
    }
}
