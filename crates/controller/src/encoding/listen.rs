//! Listening addresses on the channel.

use tureen_channel_fbs::fbs::transport as fbs;
use tureen_channel_fbs::flatbuffers::WIPOffset;

use super::{VectorOffset, optional_str, vector};
use crate::channel::Fbb;
use crate::listen_info::{ListenInfo, Protocol};

pub(crate) fn listen_infos(
    fbb: &mut Fbb,
    infos: &[ListenInfo],
) -> VectorOffset<fbs::ListenInfo<'static>> {
    vector(fbb, infos, listen_info)
}

fn protocol(protocol: Protocol) -> fbs::Protocol {
    match protocol {
        Protocol::Udp => fbs::Protocol::UDP,
        Protocol::Tcp => fbs::Protocol::TCP,
    }
}

pub(crate) fn read_protocol(protocol: fbs::Protocol) -> Option<Protocol> {
    match protocol {
        fbs::Protocol::UDP => Some(Protocol::Udp),
        fbs::Protocol::TCP => Some(Protocol::Tcp),
        _ => None,
    }
}

fn listen_info(fbb: &mut Fbb, info: &ListenInfo) -> WIPOffset<fbs::ListenInfo<'static>> {
    let (min, max) = info
        .port_range
        .map_or((0, 0), |range| (range.min, range.max));
    let args = fbs::ListenInfoArgs {
        protocol: protocol(info.protocol),
        ip: Some(fbb.create_string(&info.ip.to_string())),
        announced_address: optional_str(fbb, info.announced_address.as_deref()),
        expose_internal_ip: info.expose_internal_ip,
        port: info.port,
        port_range: Some(fbs::PortRange::create(
            fbb,
            &fbs::PortRangeArgs { min, max },
        )),
        flags: Some(fbs::SocketFlags::create(
            fbb,
            &fbs::SocketFlagsArgs {
                ipv6_only: info.flags.ipv6_only,
                udp_reuse_port: info.flags.udp_reuse_port,
            },
        )),
        send_buffer_size: info.send_buffer_size,
        recv_buffer_size: info.recv_buffer_size,
    };
    fbs::ListenInfo::create(fbb, &args)
}
