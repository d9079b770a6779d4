package routes.wiring;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.Arrays;
import java.util.List;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;
import routes.wiring.ExplorerProperties.Role;

/** Only in a process that has one of these roles. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Conditional(ForRole.HasRole.class)
public @interface ForRole {

  Role[] value();

  /** Reads {@code explorer.roles} before the properties are bound. */
  final class HasRole implements Condition {

    @Override
    public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
      Role[] wanted =
          (Role[]) metadata.getAnnotationAttributes(ForRole.class.getName()).get("value");
      List<Role> roles =
          Binder.get(context.getEnvironment())
              .bind("explorer.roles", Bindable.listOf(Role.class))
              .orElse(List.of(Role.INGEST, Role.DRAIN, Role.QUERY));
      return Arrays.stream(wanted).anyMatch(roles::contains);
    }
  }
}
