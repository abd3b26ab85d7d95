"""grpc.health.v1 and grpc.reflection.v1 asked from Python, and a call made with nothing but what reflection tells. Ends with one line of JSON.

Usage: probe.py CAST.json, with the generated stubs on PYTHONPATH.
"""

import json
import os
import sys
import urllib.parse

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from exchange import Tally, Party, read, require
from health.v1 import health_pb2, health_pb2_grpc
from reflection.v1 import reflection_pb2, reflection_pb2_grpc


def main(cast):
    school = Party(cast, Tally(), "edu", "tpe-school", "T0217")
    health = health_pb2_grpc.HealthStub(school.channel)
    status = health.Check(health_pb2.HealthCheckRequest(service="safetynet.exchange.v1.ReferralService"), timeout=30).status
    of_nobody = code_of(lambda: health.Check(health_pb2.HealthCheckRequest(service="nobody.Service"), timeout=30))
    watched = health.Watch(health_pb2.HealthCheckRequest())
    require(next(watched).status == status, "Watch tells the state at once")
    watched.cancel()

    question = reflection_pb2.ServerReflectionRequest
    reflection = reflection_pb2_grpc.ServerReflectionStub(school.channel)
    symbol = "safetynet.exchange.v1.MemberService"
    listed, described = reflection.ServerReflectionInfo(iter([question(list_services=""), question(file_containing_symbol=symbol)]), timeout=30)
    without_token = reflection_pb2_grpc.ServerReflectionStub(channel_without_token(cast))
    print(
        json.dumps(
            {
                "health": health_pb2.HealthCheckResponse.ServingStatus.Name(status),
                "healthOfNobody": of_nobody,
                "services": [service.name for service in listed.list_services_response.service],
                "reflectionWithoutToken": code_of(lambda: list(without_token.ServerReflectionInfo(iter([question(list_services="")]), timeout=30))),
                "selfByReflection": call_by_descriptors(school, described.file_descriptor_response.file_descriptor_proto, symbol),
            }
        )
    )


def call_by_descriptors(party, files, service_name):
    """Calls GetSelf with messages made from the descriptors; answers the jurisdiction in the system's name."""
    pool = descriptor_pool.DescriptorPool()
    waiting = {file.name: file for file in map(descriptor_pb2.FileDescriptorProto.FromString, files)}

    def add(name):
        file = waiting.pop(name, None)
        if file is not None:
            for needed in file.dependency:
                add(needed)
            pool.Add(file)

    for name in list(waiting):
        add(name)
    method = pool.FindServiceByName(service_name).methods_by_name["GetSelf"]
    factory = message_factory.MessageFactory(pool)
    request = factory.GetPrototype(method.input_type)()
    request.context.MergeFromString(party.context().SerializeToString())
    call = party.channel.unary_unary(
        f"/{service_name}/GetSelf",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=factory.GetPrototype(method.output_type).FromString,
    )
    return call(request, timeout=30).system.spiffe_id.split("/")[3]


def channel_without_token(cast):
    folder = cast["certificates"]
    identity = os.path.join(folder, "systems", "tpe.edu.case-system")
    secure = grpc.ssl_channel_credentials(read(os.path.join(folder, "root.pem")), read(identity + ".key"), read(identity + ".pem"))
    return grpc.secure_channel(urllib.parse.urlsplit(cast["exchange"]).netloc, secure)


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        main(json.load(file))
