using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Compression;

namespace SafetyNet.Exchange.Tests.GrpcCalls;

/// <summary>Every type and member the two gRPC packages name is there, with exactly that signature.</summary>
public sealed class ContractAssemblyTests
{
    private static readonly Assembly[] Contracts = [typeof(Metadata).Assembly, typeof(ICompressionProvider).Assembly];

    public static TheoryData<Type> Packages => [typeof(GrpcServiceOptions), typeof(GrpcChannel)];

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_finds_every_type_and_member_it_names(Type inPackage)
    {
        var wanted = Wanted(inPackage.Assembly);
        Assert.True(wanted.Count > 80, $"only {wanted.Count} references read");
        Assert.Empty(wanted.Except(Contracts.SelectMany(contract => Offered(contract, inPackage.Assembly))));
    }

    [Fact]
    public void A_missing_assembly_would_be_noticed()
    {
        var package = typeof(GrpcChannel).Assembly;
        var missing = Wanted(package).Except(Offered(typeof(Metadata).Assembly, package)).ToList();
        Assert.Contains(missing, name => name.Contains("Grpc.Net.Compression.ICompressionProvider", StringComparison.Ordinal));
        Assert.DoesNotContain(missing, name => name.Contains("Grpc.Core.Metadata", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Every_type_of_a_package_loads_with_what_it_overrides_and_implements(Type inPackage) => Assert.NotEmpty(inPackage.Assembly.GetTypes());

    [Theory]
    [MemberData(nameof(Packages))]
    public void The_assemblies_have_the_identity_the_packages_ask_for(Type inPackage)
    {
        var asked = inPackage.Assembly.GetReferencedAssemblies().Where(name => name.Name is "Grpc.Core.Api" or "Grpc.Net.Common").ToList();
        Assert.Equal(2, asked.Count);
        Assert.All(asked, name => Assert.Contains(Contracts, contract => contract.GetName().FullName == name.FullName));
    }

    private static HashSet<string> Wanted(Assembly package)
    {
        using var file = new PEReader(File.OpenRead(package.Location));
        var reader = file.GetMetadataReader();
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var handle in reader.TypeReferences)
        {
            if (IsContract(reader, handle)) wanted.Add(Names.Instance.GetTypeFromReference(reader, handle, 0));
        }

        foreach (var handle in reader.MemberReferences)
        {
            var member = reader.GetMemberReference(handle);
            if (OwnerOf(reader, member.Parent) is not { } owner) continue;
            var name = reader.GetString(member.Name);
            wanted.Add(member.GetKind() == MemberReferenceKind.Method
                ? Written(owner, name, member.DecodeMethodSignature(Names.Instance, null))
                : $"{owner}::{member.DecodeFieldSignature(Names.Instance, null)} {name}");
        }

        return wanted;
    }

    private static HashSet<string> Offered(Assembly contract, Assembly package)
    {
        var isFriend = contract.GetCustomAttributes<InternalsVisibleToAttribute>()
            .Any(friend => friend.AssemblyName.StartsWith($"{package.GetName().Name},", StringComparison.Ordinal));
        using var file = new PEReader(File.OpenRead(contract.Location));
        var reader = file.GetMetadataReader();
        var offered = new HashSet<string>(StringComparer.Ordinal);
        foreach (var handle in reader.TypeDefinitions)
        {
            var type = reader.GetTypeDefinition(handle);
            if ((type.Attributes & TypeAttributes.VisibilityMask) is not (TypeAttributes.Public or TypeAttributes.NestedPublic or TypeAttributes.NestedFamORAssem)) continue;
            var owner = Names.Instance.GetTypeFromDefinition(reader, handle, 0);
            offered.Add(owner);
            foreach (var method in type.GetMethods().Select(reader.GetMethodDefinition))
            {
                var access = method.Attributes & MethodAttributes.MemberAccessMask;
                if (access is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem || (isFriend && access is MethodAttributes.Assembly))
                    offered.Add(Written(owner, reader.GetString(method.Name), method.DecodeSignature(Names.Instance, null)));
            }

            foreach (var field in type.GetFields().Select(reader.GetFieldDefinition))
            {
                if ((field.Attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public)
                    offered.Add($"{owner}::{field.DecodeSignature(Names.Instance, null)} {reader.GetString(field.Name)}");
            }
        }

        return offered;
    }

    private static string Written(string owner, string name, MethodSignature<string> signature) =>
        $"{owner}::{(signature.Header.IsInstance ? "" : "static ")}{signature.ReturnType} {name}`{signature.GenericParameterCount}({string.Join(", ", signature.ParameterTypes)})";

    private static bool IsContract(MetadataReader reader, EntityHandle handle) => handle.Kind switch
    {
        HandleKind.TypeReference => IsContract(reader, reader.GetTypeReference((TypeReferenceHandle)handle).ResolutionScope),
        HandleKind.AssemblyReference => reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)handle).Name) is "Grpc.Core.Api" or "Grpc.Net.Common",
        _ => false,
    };

    /// <summary>The contract type a member belongs to; null for another assembly's.</summary>
    private static string? OwnerOf(MetadataReader reader, EntityHandle parent)
    {
        if (parent.Kind == HandleKind.TypeSpecification)
        {
            var signature = reader.GetBlobReader(reader.GetTypeSpecification((TypeSpecificationHandle)parent).Signature);
            if (signature.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return null;
            signature.ReadCompressedInteger();
            parent = signature.ReadTypeHandle();
        }

        return parent.Kind == HandleKind.TypeReference && IsContract(reader, parent)
            ? Names.Instance.GetTypeFromReference(reader, (TypeReferenceHandle)parent, 0)
            : null;
    }

    /// <summary>Writes signatures so that a reference and a definition of the same member read the same.</summary>
    private sealed class Names : ISignatureTypeProvider<string, object?>
    {
        public static readonly Names Instance = new();

        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{shape.Rank}]";

        public string GetByReferenceType(string elementType) => $"{elementType}&";

        public string GetFunctionPointerType(MethodSignature<string> signature) => "method";

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(", ", typeArguments)}>";

        public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";

        public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => $"{unmodifiedType} {(isRequired ? "modreq" : "modopt")}({modifier})";

        public string GetPinnedType(string elementType) => elementType;

        public string GetPointerType(string elementType) => $"{elementType}*";

        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetSZArrayType(string elementType) => $"{elementType}[]";

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            var type = reader.GetTypeDefinition(handle);
            var name = reader.GetString(type.Name);
            return type.GetDeclaringType() is { IsNil: false } outer
                ? $"{GetTypeFromDefinition(reader, outer, 0)}/{name}"
                : $"{reader.GetString(type.Namespace)}.{name}";
        }

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
        {
            var type = reader.GetTypeReference(handle);
            var name = reader.GetString(type.Name);
            return type.ResolutionScope.Kind == HandleKind.TypeReference
                ? $"{GetTypeFromReference(reader, (TypeReferenceHandle)type.ResolutionScope, 0)}/{name}"
                : $"{reader.GetString(type.Namespace)}.{name}";
        }

        public string GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);
    }
}
