// Kubernetes objects, cut down to what decides about packets.
// Owns the structural types that everything else in kube/ reads. Keep the list of fields short: each field here is one
// that a rule, a route or a name depends on, and each one must be validated by the reader.
// An object of any Kubernetes client library fits as it is (absent, undefined and null mean the same).
// Spec: k8s.io/api core/v1 and discovery/v1.

type Maybe<T> = T | null | undefined

/** Name, namespace and labels of an object. A missing namespace is `default` (nodes have none). */
export interface KubeMeta {
  readonly name?: Maybe<string>
  readonly namespace?: Maybe<string>
  readonly labels?: Maybe<Readonly<Record<string, string>>>
}

/** One entry of a Service's `spec.ports`. `targetPort` is not read: the EndpointSlice's port counts. */
export interface KubeServicePort {
  readonly name?: Maybe<string>
  /** `TCP` (also when absent), `UDP` or `SCTP`. */
  readonly protocol?: Maybe<string>
  readonly port: number
  readonly nodePort?: Maybe<number>
}

/** A v1 Service. */
export interface KubeService {
  readonly metadata?: Maybe<KubeMeta>
  readonly spec?: Maybe<{
    readonly type?: Maybe<string>
    readonly clusterIP?: Maybe<string>
    readonly clusterIPs?: Maybe<readonly string[]>
    readonly ipFamilies?: Maybe<readonly string[]>
    readonly externalIPs?: Maybe<readonly string[]>
    readonly loadBalancerSourceRanges?: Maybe<readonly string[]>
    readonly externalTrafficPolicy?: Maybe<string>
    readonly internalTrafficPolicy?: Maybe<string>
    readonly healthCheckNodePort?: Maybe<number>
    readonly sessionAffinity?: Maybe<string>
    readonly sessionAffinityConfig?: Maybe<{
      readonly clientIP?: Maybe<{ readonly timeoutSeconds?: Maybe<number> }>
    }>
    readonly ports?: Maybe<readonly KubeServicePort[]>
  }>
  readonly status?: Maybe<{
    readonly loadBalancer?: Maybe<{
      readonly ingress?: Maybe<readonly { readonly ip?: Maybe<string>; readonly ipMode?: Maybe<string> }[]>
    }>
  }>
}

/** One endpoint of an EndpointSlice. */
export interface KubeEndpoint {
  readonly addresses: readonly string[]
  readonly conditions?: Maybe<{
    readonly ready?: Maybe<boolean>
    readonly serving?: Maybe<boolean>
    readonly terminating?: Maybe<boolean>
  }>
  readonly nodeName?: Maybe<string>
  readonly hints?: Maybe<{
    readonly forZones?: Maybe<readonly { readonly name: string }[]>
    readonly forNodes?: Maybe<readonly { readonly name: string }[]>
  }>
  readonly targetRef?: Maybe<{
    readonly kind?: Maybe<string>
    readonly namespace?: Maybe<string>
    readonly name?: Maybe<string>
  }>
}

/** A discovery.k8s.io/v1 EndpointSlice. */
export interface KubeEndpointSlice {
  readonly metadata?: Maybe<KubeMeta>
  /** `IPv4`, `IPv6` or `FQDN`. */
  readonly addressType?: Maybe<string>
  readonly endpoints?: Maybe<readonly KubeEndpoint[]>
  readonly ports?: Maybe<
    readonly { readonly name?: Maybe<string>; readonly protocol?: Maybe<string>; readonly port?: Maybe<number> }[]
  >
}

/** One address of a subset of a legacy Endpoints object. */
export interface KubeEndpointAddress {
  readonly ip: string
  readonly nodeName?: Maybe<string>
  readonly targetRef?: KubeEndpoint['targetRef']
}

/** A v1 Endpoints object; read only for a Service that has no EndpointSlice. */
export interface KubeEndpoints {
  readonly metadata?: Maybe<KubeMeta>
  readonly subsets?: Maybe<
    readonly {
      readonly addresses?: Maybe<readonly KubeEndpointAddress[]>
      readonly notReadyAddresses?: Maybe<readonly KubeEndpointAddress[]>
      readonly ports?: Maybe<
        readonly { readonly name?: Maybe<string>; readonly protocol?: Maybe<string>; readonly port: number }[]
      >
    }[]
  >
}

/** A v1 Node. */
export interface KubeNode {
  readonly metadata?: Maybe<KubeMeta>
  readonly spec?: Maybe<{ readonly podCIDR?: Maybe<string>; readonly podCIDRs?: Maybe<readonly string[]> }>
  readonly status?: Maybe<{
    readonly addresses?: Maybe<readonly { readonly type: string; readonly address: string }[]>
  }>
}

/** A v1 Pod. */
export interface KubePod {
  readonly metadata?: Maybe<KubeMeta>
  readonly spec?: Maybe<{ readonly nodeName?: Maybe<string>; readonly hostNetwork?: Maybe<boolean> }>
  readonly status?: Maybe<{
    readonly phase?: Maybe<string>
    readonly podIP?: Maybe<string>
    readonly podIPs?: Maybe<readonly { readonly ip?: Maybe<string> }[]>
  }>
}

/**
 * `namespace/name` of an object; a missing namespace is `default`.
 *
 * @example keyOf({ name: 'web' }) // 'default/web'
 */
export function keyOf(metadata: Maybe<KubeMeta>): string {
  return `${metadata?.namespace || 'default'}/${metadata?.name ?? ''}`
}
